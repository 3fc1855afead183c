import type { ProviderCapabilities } from "../contract/capabilities.ts";
import { isLockError, type LockError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable, KeyState } from "../contract/lock-store.ts";
import type { LockingProvider, ProviderExecuteArgs, ProviderGrant } from "../contract/locking-provider.ts";
import type { Logger } from "../contract/logger.ts";
import type { CleanAcquireArgs, CleanExecuteArgs, ConnectContext, Provider } from "../contract/provider.ts";
import type { SharedContext } from "../contract/shared-context.ts";
import { causedBy } from "../engine/job.ts";
import { closed, lost, unavailable } from "../engine/refusals.ts";
import { HandwrittenLock } from "./handwritten-lock.ts";
import { seconds } from "./seconds.ts";
import { Wait } from "./wait.ts";
import { within } from "./within.ts";

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

/** How long, at close, what comes late may take to be given back. */
const QUIESCENCE = 1_000;
/** How long the provider may take to close. */
const CLOSE_TIMEOUT = 1_500;

/** How a job ended. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Puts a provider class behind the service: makes handles, ends what is aborted or closed, and gives back what comes late. */
export class HandwrittenProvider implements Provider {
  readonly identifier: string;
  /** What messages call it: `lp_{id}`, once it is registered. */
  #name: string;
  readonly #instance: LockingProvider;
  readonly #logger: Logger;
  readonly #waits = new Set<Wait>();
  readonly #running = new Set<HandwrittenLock>();
  readonly #late = new Set<Promise<void>>();
  #drained: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(identifier: string, instance: LockingProvider, logger: Logger) {
    this.identifier = identifier;
    this.#name = identifier;
    this.#instance = instance;
    this.#logger = logger;
  }

  get capabilities(): ProviderCapabilities {
    return { ...nothing, ...this.#instance.capabilities };
  }

  async connect({ id, logger }: ConnectContext): Promise<void> {
    this.#name = `lp_${id}`;
    if (this.#instance.connect === undefined) return;
    await this.#instance.connect();
    if (this.#closing === null) return logger.info(`Connection in "${id}" provider established`);
    // It was closed while it connected; what has been opened since is closed too.
    await this.#closeInstance();
    throw closed(this.#name);
  }

  async execute<T>(
    keys: readonly string[],
    job: (lock: Lock) => Awaitable<T>,
    args: CleanExecuteArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<T> {
    this.#admit(keys);
    const wait = new Wait(keys, args.signal);
    let lock!: HandwrittenLock;
    let running: Promise<Outcome<T>> | null = null;
    let over = false;
    const once = async (grant?: ProviderGrant): Promise<T> => {
      // Nobody waits for it any more; throwing makes the provider release.
      wait.signal.throwIfAborted();
      if (over) throw new Error("This call is over already");
      if (running !== null) throw new Error("A provider's execute must run the job once");
      wait.end();
      lock = this.#jobLock(keys, grant);
      running = this.#run(lock, job);
      const outcome = await running;
      // Who let go of it meanwhile does not listen any more.
      return over ? (undefined as T) : settled(outcome);
    };
    let failure: { readonly error: unknown } | null = null;
    try {
      await this.#waited(wait, () =>
        this.#instance.execute(keys, once, seconds(args, wait.signal), sharedContext),
      );
    } catch (error) {
      wait.signal.throwIfAborted();
      failure = { error };
    }
    over = true;
    if (running === null) {
      const error = failure === null ? new Error("its execute did not run the job") : failure.error;
      throw this.#failure("executing", keys, error);
    }
    // Unless the job is done: from here on nothing protects it.
    lock.end(lost(keys, "its provider let go of it while the job ran", failure?.error));
    const outcome = await (running as Promise<Outcome<T>>);
    this.#running.delete(lock);
    if (this.#running.size === 0) this.#drained?.();
    if (failure !== null) this.#judge(outcome, failure.error);
    return settled(outcome);
  }

  async acquire(
    keys: readonly string[],
    args: CleanAcquireArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<Lock> {
    this.#admit(keys);
    const { ownerId, awaitQueue } = args;
    const wait = new Wait(keys, args.signal);
    const since = performance.now();
    const ask = (asked: ProviderExecuteArgs, waits: boolean): Promise<ProviderGrant | void> =>
      this.#instance.acquire(keys, { ...asked, ownerId, awaitQueue: waits }, sharedContext);
    const free = (): Promise<boolean> => this.#free(keys, ownerId, sharedContext);
    const take = (): Promise<ProviderGrant | void> => {
      const taking = Promise.resolve(ask(seconds(args, wait.signal), awaitQueue));
      // Heard in the moment it is cut short, so that a close knows of it and waits before it closes the class.
      wait.whenAborted(() => void this.#giveBackLate(taking, free));
      return taking;
    };
    let grant: ProviderGrant | void;
    try {
      grant = await this.#waited(wait, take);
    } catch (error) {
      wait.signal.throwIfAborted();
      throw this.#failure("acquiring", keys, error);
    }
    // Cut short just after it was granted: it is being given back.
    wait.signal.throwIfAborted();
    const token = this.#token(grant);
    const extend = async (expire: number): Promise<void> => {
      const again = await ask(seconds({ ...args, timeout: undefined, expire }, undefined), false);
      if (this.#token(again) === token) return;
      // It was gone, and acquiring again took it anew.
      await this.#giveBackLate(Promise.resolve(), free);
      throw lost(keys, "it was gone when it was to be extended");
    };
    return new HandwrittenLock({
      keys,
      ownerId,
      fencingToken: token,
      lost: grant?.signal ?? null,
      name: this.#name,
      since,
      expire: args.expire || Infinity,
      extend: ownerId === null ? null : (expire) => this.#guarded("extending", keys, () => extend(expire)),
      release: () => this.#guarded("releasing", keys, free),
    });
  }

  release(
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): Promise<boolean> {
    return this.#guarded("releasing", keys, () => this.#free(keys, ownerId, sharedContext));
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
    for (const wait of this.#waits) wait.abort(closed(this.#name, wait.keys));
    if (this.#running.size > 0) {
      const drained = new Promise<void>((resolve) => (this.#drained = resolve));
      await within(drain, drained, "drained").catch(() => {});
    }
    for (const lock of this.#running) lock.end(closed(this.#name, lock.keys));
    if (this.#late.size > 0) await within(QUIESCENCE, Promise.all(this.#late), "late").catch(() => {});
    if (this.capabilities.crashRelease === "session" && this.#running.size > 0) {
      // The locks live with the connection, so it stays open until the last job has settled.
      this.#drained = () => void this.#closeInstance();
      return;
    }
    await this.#closeInstance();
  }

  async #closeInstance(): Promise<void> {
    try {
      const closing = Promise.resolve().then(() => this.#instance.close?.());
      await within(CLOSE_TIMEOUT, closing, `no answer within ${CLOSE_TIMEOUT} ms`);
    } catch (error) {
      this.#logger.warn(`Closing "${this.#name}" failed: ${String(error)}`);
    }
  }

  #jobLock(keys: readonly string[], grant: ProviderGrant | undefined): HandwrittenLock {
    return new HandwrittenLock({
      keys,
      ownerId: null,
      fencingToken: this.#token(grant),
      lost: grant?.signal ?? null,
      name: this.#name,
      since: 0,
      expire: Infinity,
      extend: null,
      release: null,
    });
  }

  async #run<T>(lock: HandwrittenLock, job: (lock: Lock) => Awaitable<T>): Promise<Outcome<T>> {
    this.#running.add(lock);
    try {
      const value = await job(lock);
      // A job that lost its lock, or outlived the service, was not protected to its end.
      return lock.lostBecause === null ? { value } : { error: lock.lostBecause };
    } catch (error) {
      return { error: lock.lostBecause === null ? error : causedBy(lock.lostBecause, error) };
    } finally {
      lock.settle();
    }
  }

  /** What the class failed with after its job: only a loss takes the job's result away. */
  #judge(outcome: Outcome<unknown>, error: unknown): void {
    const jobError = "error" in outcome ? outcome.error : undefined;
    if (error === jobError || (jobError instanceof Error && error === jobError.cause)) return;
    if (isLockError(error, "LOCK_LOST")) throw causedBy(error, jobError);
    this.#logger.warn(`After a job was done, "${this.#name}" failed: ${String(error)}`);
  }

  async #waited<T>(wait: Wait, ask: () => Promise<T>): Promise<T> {
    this.#waits.add(wait);
    try {
      return await wait.orAborted((async () => ask())());
    } finally {
      this.#waits.delete(wait);
    }
  }

  async #free(
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): Promise<boolean> {
    const freed: unknown = await this.#instance.release(keys, { ownerId }, sharedContext);
    return freed === true;
  }

  #giveBackLate(taking: Promise<unknown>, free: () => Promise<unknown>): Promise<void> {
    const late = taking
      .then(free, () => {})
      .then(
        () => {},
        (error: unknown) =>
          this.#logger.warn(`A lock that came late could not be given back: ${String(error)}`),
      );
    this.#late.add(late);
    void late.then(() => this.#late.delete(late));
    return late;
  }

  async #guarded<T>(doing: string, keys: readonly string[], ask: () => Promise<T>): Promise<T> {
    this.#admit(keys);
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(doing, keys, error);
    }
  }

  #admit(keys: readonly string[]): void {
    if (this.#closing !== null) throw closed(this.#name, keys);
  }

  #token(grant: ProviderGrant | void): bigint | null {
    return this.capabilities.fencing ? (grant?.fencingToken ?? null) : null;
  }

  #failure(doing: string, keys: readonly string[], error: unknown): LockError {
    return isLockError(error) ? error : unavailable(this.#name, doing, keys, error);
  }
}

function settled<T>(outcome: Outcome<T>): T {
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}
