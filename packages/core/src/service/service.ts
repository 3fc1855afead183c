import { checkAcquireArgs, checkArgs, checkDrain, checkExecuteArgs } from "../arguments/call-arguments.ts";
import { checkKeys, checkOwnerId } from "../arguments/keys.ts";
import { LockError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable, KeyState } from "../contract/lock-store.ts";
import type {
  AcquireArgs,
  CloseOptions,
  ExecuteArgs,
  InspectArgs,
  Keys,
  Locking,
  ReleaseAllArgs,
  ReleaseArgs,
} from "../contract/locking.ts";
import type { Logger } from "../contract/logger.ts";
import type { CleanExecuteArgs, Provider } from "../contract/provider.ts";
import type { SharedContext } from "../contract/shared-context.ts";
import { enclose, refuseReentrance } from "./reentrancy.ts";
import type { Registered } from "./registered.ts";
import type { Registry } from "./registry.ts";
import { tracing } from "./tracing.ts";
import { Wait } from "./wait.ts";

/** Checks what it is given and passes it on to the provider that is meant. It holds no lock logic. */
export class LockingService implements Locking {
  readonly #registry: Registry;
  readonly #logger: Logger;
  // Calls that wait for their provider to connect.
  readonly #connecting = new Set<Wait>();
  #closing: Promise<void> | null = null;

  constructor(registry: Registry, logger: Logger) {
    this.#registry = registry;
    this.#logger = logger;
  }

  /** No async function: an uncontended lock would pay for one promise more. */
  execute<T>(
    keys: Keys,
    job: (lock: Lock) => Awaitable<T>,
    args?: ExecuteArgs,
    sharedContext?: SharedContext,
  ): Promise<T> {
    try {
      const checked = checkKeys(keys);
      if (typeof job !== "function") {
        throw new LockError("LOCK_INVALID_ARGUMENT", "execute needs a job, a function", { keys: checked });
      }
      const clean = checkExecuteArgs(args, checked, this.#logger);
      const registered = this.#pick(args?.provider, checked);
      if (registered.connected) return runIn(registered, checked, job, clean, sharedContext);
      return this.#connectFor(registered, checked, clean).then((left) =>
        runIn(registered, checked, job, { ...clean, timeout: left }, sharedContext),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async acquire(keys: Keys, args?: AcquireArgs, sharedContext?: SharedContext): Promise<Lock> {
    const checked = checkKeys(keys);
    let clean = checkAcquireArgs(args, checked, this.#logger);
    const registered = this.#pick(args?.provider, checked);
    if (!registered.connected) {
      if (clean.awaitQueue) clean = { ...clean, timeout: await this.#connectFor(registered, checked, clean) };
      else await this.#connect(registered, checked, clean.signal);
    }
    const { name, provider } = registered;
    demand(registered, checked, clean.limit, sharedContext);
    if (clean.awaitQueue) refuseReentrance(provider, checked);
    const call = (): Promise<Lock> => provider.acquire(checked, clean, sharedContext);
    if (!tracing.acquire.hasSubscribers) return call();
    return tracing.acquire.tracePromise(call, { provider: name, keys: checked, ownerId: clean.ownerId });
  }

  async release(keys: Keys, args?: ReleaseArgs, sharedContext?: SharedContext): Promise<boolean> {
    const checked = checkKeys(keys);
    const { ownerId, provider: choice } = checkArgs(args, checked);
    const owner = checkOwnerId(ownerId, checked);
    const registered = this.#pick(choice, checked);
    if (!registered.connected) await this.#connect(registered, checked);
    const { name, provider } = registered;
    demand(registered, checked, 1, sharedContext);
    const call = (): Promise<boolean> => provider.release(checked, owner, sharedContext);
    if (!tracing.release.hasSubscribers) return call();
    return tracing.release.tracePromise(call, { provider: name, keys: checked, ownerId: owner });
  }

  async releaseAll(args?: ReleaseAllArgs, sharedContext?: SharedContext): Promise<void> {
    const asked = checkArgs(args, []);
    // Inherited ones and getters count: an owner that is overlooked would free everybody's locks.
    const { ownerId: written, provider: choice } = asked;
    if (written === undefined && "ownerId" in asked) {
      throw new LockError(
        "LOCK_INVALID_ARGUMENT",
        "releaseAll was given an ownerId that is undefined, which would free everybody's locks; leave it out, or pass null, if that is what you want",
      );
    }
    const ownerId = checkOwnerId(written, []);
    const registered = this.#pick(choice, []);
    if (!registered.connected) await this.#connect(registered, []);
    demand(registered, [], 1, sharedContext);
    await registered.provider.releaseAll(ownerId, sharedContext);
  }

  async inspect(keys: Keys, args?: InspectArgs): Promise<KeyState[]> {
    const checked = checkKeys(keys);
    const registered = this.#pick(checkArgs(args, checked).provider, checked);
    if (!registered.connected) await this.#connect(registered, checked);
    if (!registered.provider.capabilities.inspect) throw unsupported(registered, "inspect", checked);
    return [...(await registered.provider.inspect(checked))];
  }

  async close(options?: CloseOptions): Promise<void> {
    const drain = checkDrain(checkArgs(options, []).drain);
    this.#closing ??= this.#close(drain);
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #close(drain: number): Promise<void> {
    for (const wait of this.#connecting) wait.abort(closed(wait.keys));
    return this.#registry.close(drain);
  }

  #pick(name: string | undefined, keys: readonly string[]): Registered {
    if (this.#closing !== null) throw closed(keys);
    return this.#registry.pick(name, keys);
  }

  /** For a call that waits. Gives what is left of its timeout; one try has the time that connecting takes. */
  async #connectFor(
    registered: Registered,
    keys: readonly string[],
    { timeout, signal }: CleanExecuteArgs,
  ): Promise<number | undefined> {
    const since = performance.now();
    await this.#connect(registered, keys, signal, timeout || undefined);
    return timeout && Math.max(0, Math.ceil(timeout - (performance.now() - since)));
  }

  async #connect(
    registered: Registered,
    keys: readonly string[],
    signal?: AbortSignal,
    timeout?: number,
  ): Promise<void> {
    const wait = new Wait(keys, signal);
    this.#connecting.add(wait);
    try {
      await wait.orAborted(registered.connect(keys, timeout));
    } finally {
      this.#connecting.delete(wait);
    }
    // It may have been closed meanwhile.
    if (this.#closing !== null) throw closed(keys);
  }
}

function runIn<T>(
  registered: Registered,
  keys: readonly string[],
  job: (lock: Lock) => Awaitable<T>,
  args: CleanExecuteArgs,
  sharedContext: SharedContext | undefined,
): Promise<T> {
  demand(registered, keys, args.limit, sharedContext);
  const { name, provider } = registered;
  const enclosed = enclose(provider, keys, job);
  if (!tracing.execute.hasSubscribers) return provider.execute(keys, enclosed, args, sharedContext);
  const call = (): Promise<T> => provider.execute(keys, enclosed, args, sharedContext);
  return tracing.execute.tracePromise(call, { provider: name, keys, ownerId: null });
}

/** Refuses what the manifest does not offer. */
function demand(
  registered: Registered,
  keys: readonly string[],
  limit: number,
  sharedContext: SharedContext | undefined,
): void {
  const { capabilities }: Provider = registered.provider;
  if (limit !== 1 && !capabilities.limits) throw unsupported(registered, "a limit other than 1", keys);
  if (sharedContext?.transactionManager != null && !capabilities.transactions) {
    throw unsupported(
      registered,
      "locks that live with a transaction (sharedContext.transactionManager)",
      keys,
    );
  }
}

function unsupported(registered: Registered, what: string, keys: readonly string[]): LockError {
  return new LockError("LOCK_UNSUPPORTED", `The provider "${registered.name}" does not offer ${what}`, {
    keys,
  });
}

function closed(keys: readonly string[]): LockError {
  return new LockError("LOCK_CLOSED", "The locking service is closed", { keys });
}
