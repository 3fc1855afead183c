import { LockError } from "../src/contract/errors.ts";
import type {
  LockingProvider,
  ProviderAcquireArgs,
  ProviderDependencies,
  ProviderExecuteArgs,
  ProviderGrant,
  ProviderReleaseArgs,
} from "../src/contract/locking-provider.ts";

/** A provider as somebody would write it by hand: a Map, no waiting, and a record of how it was called. */
export class ByHand implements LockingProvider {
  static readonly identifier: string = "by-hand";
  readonly held: Map<string, string | null> = new Map();
  readonly calls: unknown[][] = [];

  constructor(_dependencies: ProviderDependencies, options: { onMade?: (made: ByHand) => void }) {
    options.onMade?.(this);
  }

  async execute<T>(
    keys: readonly string[],
    job: (grant?: ProviderGrant) => Promise<T>,
    args: ProviderExecuteArgs,
  ): Promise<T> {
    this.calls.push(["execute", keys, args]);
    this.take(keys, null);
    try {
      return await job();
    } finally {
      for (const key of keys) this.held.delete(key);
    }
  }

  async acquire(keys: readonly string[], args: ProviderAcquireArgs): Promise<ProviderGrant | void> {
    this.calls.push(["acquire", keys, args]);
    await Promise.resolve();
    this.take(keys, args.ownerId ?? null);
  }

  async release(keys: readonly string[], args: ProviderReleaseArgs): Promise<boolean> {
    this.calls.push(["release", keys, args]);
    await Promise.resolve();
    const own = keys.filter((key) => this.held.has(key) && this.held.get(key) === (args.ownerId ?? null));
    for (const key of own) this.held.delete(key);
    return own.length === keys.length;
  }

  async releaseAll(args: ProviderReleaseArgs): Promise<void> {
    this.calls.push(["releaseAll", args]);
    await Promise.resolve();
    this.held.clear();
  }

  private take(keys: readonly string[], ownerId: string | null): void {
    const busy = keys.find(
      (key) => this.held.has(key) && (ownerId === null || this.held.get(key) !== ownerId),
    );
    if (busy !== undefined)
      throw new LockError("LOCK_NOT_ACQUIRED", `Failed to acquire lock for key "${busy}"`);
    for (const key of keys) this.held.set(key, ownerId);
  }
}
