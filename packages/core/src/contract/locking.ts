import type { Duration } from "../arguments/duration.ts";
import type { Lock } from "./lock.ts";
import type { Awaitable, KeyState } from "./lock-store.ts";
import type { SharedContext } from "./shared-context.ts";

/** One key, or several that are taken all or none. 1 to 1,024 bytes of UTF-8 each, without NUL; repeats count once. */
export type Keys = string | readonly string[];

interface ProviderChoice {
  /** Which registered provider is to hold the lock, as `lp_{id}`. Default: the default provider. */
  readonly provider?: string | undefined;
}

interface WaitArgs extends ProviderChoice {
  /**
   * How long to wait. A number is seconds, or `Infinity`; below 1 it means the default. A string is taken at its word:
   * `"500ms"`, and `"0ms"` is one try. Default: the provider's `waitLockingTimeout` (5 s).
   */
  readonly timeout?: Duration | undefined;
  /** How many may hold the key at once: 1 is exclusive, n a semaphore of n permits, `Infinity` a shared (read) lock. Default: 1. */
  readonly limit?: number | undefined;
  /** Ends the waiting; the call then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

export interface ExecuteArgs extends WaitArgs {
  /**
   * The lease: it bounds how long a *dead* process can block others. A living one renews it for as long as the job
   * runs. Default, and for `0`: 30 s.
   */
  readonly expire?: Duration | undefined;
}

export interface AcquireArgs extends WaitArgs {
  /** Whose lock it is. 1 to 1,024 bytes of UTF-8. Default, and for `null`: nobody's; two callers without an owner are strangers. */
  readonly ownerId?: string | null | undefined;
  /** How long after the grant the lock ends by itself, by the backend's clock. Default, and for `0`: never. */
  readonly expire?: Duration | undefined;
  /** Wait for the lock, for at most `timeout`, instead of rejecting at once. Default: `false`. */
  readonly awaitQueue?: boolean | undefined;
}

export interface ReleaseArgs extends ProviderChoice {
  /** Whose locks to free. Default, and for `null`: those that were acquired without an owner. */
  readonly ownerId?: string | null | undefined;
}

export interface ReleaseAllArgs extends ProviderChoice {
  /**
   * Whose locks to free. Absent or `null`: every lock in the provider's namespace. Written but `undefined` is an error, so
   * that a missing variable never empties the namespace.
   */
  readonly ownerId?: string | null | undefined;
}

export interface InspectArgs extends ProviderChoice {}

export interface CloseOptions {
  /** How long running jobs may take to finish before their signals abort. Default: 10 s. */
  readonly drain?: Duration | undefined;
}

/**
 * The service. Every method rejects with a `LockError`; `LOCK_INVALID_ARGUMENT` for keys, owners, durations and limits,
 * `LOCK_CONFIG` for an unknown provider, `LOCK_CLOSED` after `close`, `LOCK_UNAVAILABLE` when the backend could not be asked and
 * `LOCK_UNSUPPORTED` for what the provider's manifest does not offer.
 */
export interface Locking extends AsyncDisposable {
  /**
   * Waits its turn, runs `job` once while holding the keys, releases, and hands on what the job returns or throws. The
   * lock is renewed for as long as the job runs and belongs to this call alone.
   *
   * @throws {LockError} `LOCK_TIMEOUT` when it waited its time.
   * @throws {LockLostError} when the lock was lost while the job ran, whatever the job did.
   * @throws {LockError} `LOCK_REENTRANT` when an enclosing `execute` holds one of the keys.
   */
  execute<T>(
    keys: Keys,
    job: (lock: Lock) => Awaitable<T>,
    args?: ExecuteArgs,
    sharedContext?: SharedContext,
  ): Promise<T>;
  /**
   * Takes the keys, all or none, and keeps them until they are released or expire, across calls and processes.
   *
   * @throws {LockError} `LOCK_NOT_ACQUIRED` when they are held and the call does not wait; `LOCK_TIMEOUT` when it waited its time.
   * @throws {LockError} `LOCK_REENTRANT` when it would wait for an enclosing `execute`.
   */
  acquire(keys: Keys, args?: AcquireArgs, sharedContext?: SharedContext): Promise<Lock>;
  /** Frees what the owner holds of these keys. `true` only if it freed something of every key. */
  release(keys: Keys, args?: ReleaseArgs, sharedContext?: SharedContext): Promise<boolean>;
  /** Frees every lock of the owner; without an owner, every lock in the provider's namespace. */
  releaseAll(args?: ReleaseAllArgs, sharedContext?: SharedContext): Promise<void>;
  /** Who holds these keys and how many wait, in the order of the keys. */
  inspect(keys: Keys, args?: InspectArgs): Promise<KeyState[]>;
  /**
   * Ends the service: new calls and waiters get `LOCK_CLOSED`, running jobs may finish for `drain`, then their signals abort
   * and renewal stops. What `acquire` took stays. Idempotent.
   */
  close(options?: CloseOptions): Promise<void>;
}
