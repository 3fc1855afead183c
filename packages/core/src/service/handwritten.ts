import type { ProviderCapabilities } from "../contract/capabilities.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable, KeyState } from "../contract/lock-store.ts";
import type { LockingProvider, ProviderExecuteArgs, ProviderGrant } from "../contract/locking-provider.ts";
import type { Logger } from "../contract/logger.ts";
import type { CleanAcquireArgs, CleanExecuteArgs, Provider } from "../contract/provider.ts";
import type { SharedContext } from "../contract/shared-context.ts";
import { isLockError, type LockError } from "../contract/errors.ts";
import { closed, unavailable } from "../engine/refusals.ts";
import { HandwrittenLock } from "./handwritten-lock.ts";

const nothing: ProviderCapabilities = {
  scope: "process",
  fencing: false,
  limits: false,
  fifo: false,
  push: false,
  inspect: false,
  transactions: false,
  crashRelease: "never",
};

/** How a job ended. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Puts a provider class behind the service: makes handles, ends what is aborted or closed, and gives back what comes late. */
export class HandwrittenProvider implements Provider {
  readonly identifier: string;
  readonly #instance: LockingProvider;
  readonly #logger: Logger;
  // Ends what waits when the service closes.
  readonly #shutdown = new AbortController();
  readonly #running = new Set<HandwrittenLock>();
  #drained: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(identifier: string, instance: LockingProvider, logger: Logger) {
    this.identifier = identifier;
    this.#instance = instance;
    this.#logger = logger;
  }

  get capabilities(): ProviderCapabilities {
    return { ...nothing, ...this.#instance.capabilities };
  }

  async connect(): Promise<void> {
    await this.#instance.connect?.();
  }

  async execute<T>(
    keys: readonly string[],
    job: (lock: Lock) => Awaitable<T>,
    args: CleanExecuteArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<T> {
    const waiting = this.#waiting(args.signal);
    let outcome: Outcome<T> | null = null;
    const guarded = async (grant?: ProviderGrant): Promise<T> => {
      // Nobody waits for it any more; throwing makes the provider release.
      waiting.throwIfOver();
      waiting.end();
      outcome = await this.#run(keys, job, grant);
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    };
    const work = Promise.resolve().then(() =>
      this.#instance.execute(keys, guarded, seconds(args, waiting.signal), sharedContext),
    );
    try {
      await waiting.orAborted(work);
    } catch (error) {
      const failure = this.#failure("executing", keys, error);
      // Before the job ran it is the provider's failure, or the abort; afterwards only a loss takes the result away.
      if (outcome === null) throw waiting.over ? error : failure;
      if (isLockError(error) && !sameError(outcome, error)) throw error;
      if (!sameError(outcome, error)) this.#logger.warn(`After a job was done: ${failure.message}`);
    }
    if (outcome === null)
      throw this.#failure("executing", keys, new Error("execute resolved without running the job"));
    return settled(outcome);
  }

  async acquire(
    keys: readonly string[],
    args: CleanAcquireArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<Lock> {
    const { ownerId, awaitQueue } = args;
    const waiting = this.#waiting(args.signal);
    const since = performance.now();
    const ask = (asked: ProviderExecuteArgs, waits: boolean): Promise<ProviderGrant | void> =>
      this.#instance.acquire(keys, { ...asked, ownerId, awaitQueue: waits }, sharedContext);
    const taking = Promise.resolve().then(() => ask(seconds(args, waiting.signal), awaitQueue));
    let grant: ProviderGrant | void;
    try {
      grant = await waiting.orAborted(taking);
    } catch (error) {
      if (!waiting.over) throw this.#failure("acquiring", keys, error);
      this.#giveBackLate(taking, keys, ownerId, sharedContext);
      throw error;
    }
    return new HandwrittenLock({
      keys,
      ownerId,
      fencingToken: this.#token(grant),
      lost: grant?.signal ?? null,
      identifier: this.identifier,
      since,
      expire: args.expire || Infinity,
      extend:
        ownerId === null
          ? null
          : async (expire) => {
              const again = seconds({ ...args, timeout: undefined, expire }, this.#shutdown.signal);
              await this.#guarded("extending", keys, () => ask(again, false));
            },
      release: () => this.release(keys, ownerId, sharedContext),
    });
  }

  release(
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): Promise<boolean> {
    return this.#guarded("releasing", keys, () => this.#instance.release(keys, { ownerId }, sharedContext));
  }

  releaseAll(ownerId: string | null, sharedContext: SharedContext | undefined): Promise<void> {
    return this.#guarded("releasing all", [], () => this.#instance.releaseAll({ ownerId }, sharedContext));
  }

  async inspect(keys: readonly string[]): Promise<readonly KeyState[]> {
    return this.#guarded("inspecting", keys, async () => (await this.#instance.inspect?.(keys)) ?? []);
  }

  close(drain: number): Promise<void> {
    this.#closing ??= this.#close(drain);
    return this.#closing;
  }

  async #close(drain: number): Promise<void> {
    this.#shutdown.abort(closed(this.identifier));
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = drain === Infinity ? undefined : setTimeout(resolve, Math.min(drain, 2 ** 31 - 1));
        this.#drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const lock of this.#running) lock.end(closed(this.identifier, lock.keys));
    await this.#instance.close?.();
  }

  async #run<T>(
    keys: readonly string[],
    job: (lock: Lock) => Awaitable<T>,
    grant: ProviderGrant | undefined,
  ): Promise<Outcome<T>> {
    const lock = new HandwrittenLock({
      keys,
      ownerId: null,
      fencingToken: this.#token(grant),
      lost: grant?.signal ?? null,
      identifier: this.identifier,
      since: 0,
      expire: Infinity,
      extend: null,
      release: null,
    });
    this.#running.add(lock);
    try {
      const value = await job(lock);
      // A job that lost its lock, or outlived the service, was not protected to its end.
      return lock.lostBecause === null ? { value } : { error: lock.lostBecause };
    } catch (error) {
      if (lock.lostBecause === null) return { error };
      lock.lostBecause.cause = error;
      return { error: lock.lostBecause };
    } finally {
      lock.settle();
      this.#running.delete(lock);
      if (this.#running.size === 0) this.#drained?.();
    }
  }

  #waiting(signal: AbortSignal | undefined): Waiting {
    const { signal: shutdown } = this.#shutdown;
    return new Waiting(signal === undefined ? shutdown : AbortSignal.any([signal, shutdown]));
  }

  #giveBackLate(
    taking: Promise<unknown>,
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): void {
    taking
      .then(
        () => this.release(keys, ownerId, sharedContext),
        () => {},
      )
      .catch((error: unknown) =>
        this.#logger.warn(`A lock that came late could not be given back: ${String(error)}`),
      );
  }

  async #guarded<T>(doing: string, keys: readonly string[], ask: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw closed(this.identifier, keys);
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(doing, keys, error);
    }
  }

  #token(grant: ProviderGrant | void): bigint | null {
    return this.capabilities.fencing ? (grant?.fencingToken ?? null) : null;
  }

  #failure(doing: string, keys: readonly string[], error: unknown): LockError {
    return isLockError(error) ? error : unavailable(this.identifier, doing, keys, error);
  }
}

/** The wait for a provider's answer, which an abort may end before it comes. */
class Waiting {
  /** Aborts by the caller's wish, or when the service closes. */
  readonly signal: AbortSignal;
  #abort: (() => void) | null = null;
  over = false;

  constructor(signal: AbortSignal) {
    signal.throwIfAborted();
    this.signal = signal;
  }

  throwIfOver(): void {
    if (this.over) this.signal.throwIfAborted();
  }

  /** From here on an abort is no concern of the wait. */
  end(): void {
    if (this.#abort !== null) this.signal.removeEventListener("abort", this.#abort);
    this.#abort = null;
  }

  async orAborted<T>(answer: Promise<T>): Promise<T> {
    const aborted = new Promise<never>((_resolve, reject) => {
      this.#abort = () => {
        this.over = true;
        reject(this.signal.reason as Error);
      };
      this.signal.addEventListener("abort", this.#abort, { once: true });
    });
    try {
      return await Promise.race([answer, aborted]);
    } finally {
      this.end();
    }
  }
}

function seconds({ timeout, expire, limit }: CleanExecuteArgs, signal: AbortSignal): ProviderExecuteArgs {
  return {
    limit,
    signal,
    ...(timeout !== undefined && { timeout: timeout / 1_000 }),
    ...(expire !== undefined && { expire: expire / 1_000 }),
  };
}

function sameError(outcome: Outcome<unknown>, error: unknown): boolean {
  return "error" in outcome && outcome.error === error;
}

function settled<T>(outcome: Outcome<T>): T {
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
