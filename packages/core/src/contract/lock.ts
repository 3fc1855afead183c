import type { Duration } from "../arguments/duration.ts";

/** A lock that was granted: what a job is given, and what `acquire` resolves with. */
export interface Lock extends AsyncDisposable {
  /** The keys it covers, without repeats. */
  readonly keys: readonly string[];
  /** Whose lock it is; `null` without an owner, and for the locks of `execute`. */
  readonly ownerId: string | null;
  /**
   * Strictly greater than the token of every earlier grant of any of these keys. Send it along with what you write,
   * and refuse a write whose token is older than the last one seen: that closes the gap a stopped process leaves.
   *
   * @throws {LockError} `LOCK_UNSUPPORTED` where the provider's manifest does not offer fencing.
   */
  readonly fencingToken: bigint;
  /**
   * Aborts with a `LockLostError` when exclusivity can no longer be assumed. The lock of a job is renewed in the
   * background and aborts only when that fails; a lock from `acquire` is not, and aborts when its own `expire` has
   * run out. Stays as it is once the lock was released.
   */
  readonly signal: AbortSignal;
  /** Milliseconds for which the lock is certainly held still, never more than the truth; `Infinity` where there is no end, 0 after release. */
  remaining(): number;
  /**
   * Throws unless the lock is certainly held at this moment. Synchronous, no I/O.
   *
   * @throws {LockLostError} when it was lost, has expired or was released.
   */
  assertHeld(): void;
  /**
   * Makes the lock last for `expire` from now; `0` takes the expiry away (the lock of a job goes back to its 30 s lease).
   *
   * @param expire - seconds, or a string such as `"30s"`.
   * @throws {LockLostError} when it is not held any more.
   * @throws {LockError} `LOCK_UNAVAILABLE` when the backend could not be asked; the lock is as it was, except
   * that a shorter `expire` counts from the call on: nobody knows whether it was carried out.
   */
  extend(expire: Duration): Promise<void>;
  /**
   * Gives the lock back. Touches its own grant only, never a later holder's. May be called any number of times.
   *
   * @returns `true` when this handle freed the lock, `false` when there was nothing left to free (also where a first try,
   * whose answer was lost, may have freed it).
   * @throws {LockError} `LOCK_UNAVAILABLE` when the backend could not be asked; it may then be called again.
   */
  release(): Promise<boolean>;
}
