import { LockError, LockLostError } from "@lock/core";
import type {
  KeyState,
  LockingProvider,
  ProviderAcquireArgs,
  ProviderCapabilities,
  ProviderExecuteArgs,
  ProviderGrant,
  ProviderReleaseArgs,
} from "@lock/core";

export interface Tenant {
  readonly keys: readonly string[];
  readonly ownerId: string | null;
  /** Of a job: tells it that its lock is gone. */
  readonly job: AbortController | null;
  /** Milliseconds that it is to last. */
  readonly expire: number;
  token: bigint;
  end: number;
}

export interface Waiter {
  readonly tenant: Tenant;
  /** Lets it in, as this tenant. */
  readonly admit: (tenant: Tenant) => void;
}

/** A correct provider by hand: a table, one queue, and timers. Each rule is a method, so that a broken one can break it alone. */
export class ReferenceClass implements LockingProvider {
  static readonly identifier: string = "by-hand";
  readonly capabilities: Partial<ProviderCapabilities> = { fifo: true, push: true, inspect: true };
  table: Map<string, Tenant> = new Map();
  queue: Waiter[] = [];
  token = 0n;
  watching = false;

  async acquire(keys: readonly string[], args: ProviderAcquireArgs): Promise<ProviderGrant> {
    const { ownerId = null, awaitQueue = false, expire } = args;
    const wanted = this.tenant(keys, ownerId, null, expire);
    const tenant = await this.enter(wanted, args, awaitQueue);
    if (tenant !== wanted && expire !== undefined)
      tenant.end = performance.now() + (expire || Infinity) * 1_000;
    return { fencingToken: tenant.token };
  }

  async execute<T>(
    keys: readonly string[],
    job: (grant: ProviderGrant) => Promise<T>,
    args: ProviderExecuteArgs,
  ): Promise<T> {
    const tenant = this.tenant(keys, null, new AbortController(), undefined);
    await this.enter(tenant, args, true);
    return await this.work(tenant, job);
  }

  async work<T>(tenant: Tenant, job: (grant: ProviderGrant) => Promise<T>): Promise<T> {
    try {
      return await job({ fencingToken: tenant.token, signal: tenant.job!.signal });
    } finally {
      this.leave(tenant);
    }
  }

  async release(keys: readonly string[], { ownerId = null }: ProviderReleaseArgs): Promise<boolean> {
    const freed = keys.map((key) => {
      const held = this.held(key);
      return this.isOwners(held, ownerId) && held.job === null && this.table.delete(key);
    });
    this.advance();
    return !freed.includes(false);
  }

  async releaseAll({ ownerId = null }: ProviderReleaseArgs): Promise<void> {
    for (const [key, tenant] of this.table) {
      if (ownerId !== null && tenant.ownerId !== ownerId) continue;
      this.table.delete(key);
      this.lose(tenant);
    }
    this.advance();
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return keys.map((key) => {
      const held = this.held(key);
      const remaining = (held?.end ?? 0) - performance.now();
      const holder = {
        ownerId: held?.ownerId ?? null,
        fencingToken: held?.token ?? null,
        limit: 1,
        remaining,
      };
      const waiting = this.queue.filter(
        ({ tenant }) => tenant.keys.includes(key) && !this.hasOf(tenant, key),
      );
      return { key, holders: held === undefined ? [] : [holder], waiting: waiting.length };
    });
  }

  tenant(
    keys: readonly string[],
    ownerId: string | null,
    job: AbortController | null,
    expire: number | undefined,
  ): Tenant {
    return { keys, ownerId, job, expire: expire ? expire * 1_000 : Infinity, token: 0n, end: 0 };
  }

  /** Resolves when its keys are held, by it or by what its owner had before. */
  async enter(tenant: Tenant, { timeout = 5, signal }: ProviderExecuteArgs, waits: boolean): Promise<Tenant> {
    if (this.isFree(tenant, this.queue)) return this.take(tenant);
    const { keys } = tenant;
    if (!waits)
      throw new LockError("LOCK_NOT_ACQUIRED", `Failed to acquire lock for key "${keys[0]}"`, { keys });
    return await new Promise<Tenant>((resolve, reject) => {
      const waiter: Waiter = {
        tenant,
        admit: (admitted) => {
          end();
          resolve(admitted);
        },
      };
      const timer = this.timer(timeout, () =>
        give(new LockError("LOCK_TIMEOUT", "Timed-out acquiring lock", { keys })),
      );
      const give = (error: unknown): void => {
        end();
        this.withdraw(waiter);
        reject(error);
      };
      const aborted = (): void => give(signal?.reason);
      const end = (): void => {
        this.clear(timer);
        signal?.removeEventListener("abort", aborted);
      };
      this.listen(signal, aborted);
      this.queue.push(waiter);
      // A lease in its way may end with nobody there to release it.
      this.watch();
    });
  }

  listen(signal: AbortSignal | undefined, aborted: () => void): void {
    signal?.addEventListener("abort", aborted);
  }

  timer(timeout: number, due: () => void): NodeJS.Timeout | undefined {
    return timeout === Infinity ? undefined : setTimeout(due, Math.min(timeout * 1_000, 2 ** 31 - 1));
  }

  clear(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(timer);
  }

  withdraw(waiter: Waiter): void {
    this.queue = this.queue.filter((one) => one !== waiter);
    this.advance();
  }

  leave(tenant: Tenant): void {
    for (const key of tenant.keys) if (this.table.get(key) === tenant) this.table.delete(key);
    this.advance();
  }

  lose({ job }: Tenant): void {
    job?.abort(new LockLostError("Lost the lock: it was freed", { keys: [] }));
  }

  take(tenant: Tenant): Tenant {
    const [first, ...others] = tenant.keys.map((key) =>
      this.hasOf(tenant, key) ? this.held(key) : undefined,
    );
    if (first !== undefined && others.every((one) => one === first)) return first;
    tenant.token = ++this.token;
    tenant.end = performance.now() + tenant.expire;
    for (const key of tenant.keys) this.table.set(key, tenant);
    return tenant;
  }

  held(key: string): Tenant | undefined {
    const held = this.table.get(key);
    return held !== undefined && held.end > performance.now() ? held : undefined;
  }

  isOwners(held: Tenant | undefined, ownerId: string | null): held is Tenant {
    return held !== undefined && held.ownerId === ownerId && held.job === null;
  }

  hasOf({ ownerId }: Tenant, key: string): boolean {
    return ownerId !== null && this.isOwners(this.held(key), ownerId);
  }

  isFree(tenant: Tenant, earlier: readonly Waiter[]): boolean {
    return tenant.keys.every((key) => {
      if (this.hasOf(tenant, key)) return true;
      if (this.held(key) !== undefined) return false;
      return !earlier.some((one) => one.tenant.keys.includes(key) && !this.hasOf(one.tenant, key));
    });
  }

  /** Lets in whoever's turn has come. */
  advance(): void {
    for (const waiter of [...this.queue]) {
      const earlier = this.queue.slice(0, this.queue.indexOf(waiter));
      if (!this.isFree(waiter.tenant, earlier)) continue;
      this.queue = this.queue.filter((one) => one !== waiter);
      waiter.admit(this.take(waiter.tenant));
    }
  }

  watch(): void {
    if (this.queue.length === 0 || this.watching) return;
    this.watching = true;
    setTimeout(() => {
      this.watching = false;
      this.advance();
      this.watch();
    }, 20).unref();
  }
}
