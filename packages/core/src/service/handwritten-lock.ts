import { parseDuration, type Duration } from "../arguments/duration.ts";
import { isLockError, LockError, type LockLostError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import { lost } from "../engine/refusals.ts";

/** What a handle needs of the provider behind it; absent where it can't be had. */
export interface HandwrittenGrant {
  readonly keys: readonly string[];
  readonly ownerId: string | null;
  readonly fencingToken: bigint | null;
  /** Aborts when the provider learns that it is lost; `null`: it does not tell. */
  readonly lost: AbortSignal | null;
  /** What messages call the provider. */
  readonly name: string;
  /** When the call was sent that took the lock. */
  readonly since: number;
  /** Milliseconds; `Infinity`: it does not expire. */
  readonly expire: number;
  readonly extend: ((expire: number) => Promise<void>) | null;
  readonly release: (() => Promise<boolean>) | null;
}

/** The handle of a lock that a provider class holds: the service makes it of acquiring again and releasing. */
export class HandwrittenLock implements Lock {
  readonly keys: readonly string[];
  readonly ownerId: string | null;
  readonly #grant: HandwrittenGrant;
  #deadline: number;
  #over: "released" | LockError | null = null;
  #abort: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;
  #releasing: Promise<boolean> | null = null;
  // One at a time: of two under way at once, the one answered last need not be the one carried out last.
  #changing: Promise<unknown> = Promise.resolve();

  constructor(grant: HandwrittenGrant) {
    this.keys = grant.keys;
    this.ownerId = grant.ownerId;
    this.#grant = grant;
    this.#deadline = grant.since + grant.expire;
    if (grant.lost?.aborted) this.#lose();
    else grant.lost?.addEventListener("abort", this.#lose, { once: true });
  }

  get fencingToken(): bigint {
    const { fencingToken } = this.#grant;
    if (fencingToken !== null) return fencingToken;
    throw this.#unsupported("fencing tokens");
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    const lost = this.lostBecause;
    if (lost !== null) this.#abort.abort(lost);
    else this.#watch();
    return this.#abort.signal;
  }

  /** Why it is not held any more, if it was lost. */
  get lostBecause(): LockError | null {
    this.#endIfOver();
    return this.#over === "released" ? null : this.#over;
  }

  remaining(): number {
    return this.#over === null ? Math.max(0, this.#deadline - performance.now()) : 0;
  }

  assertHeld(): void {
    this.#endIfOver();
    if (this.#over !== null) throw this.#over === "released" ? this.#wasReleased() : this.#over;
  }

  async extend(expire: Duration): Promise<void> {
    const asked = parseDuration(expire, "expire", this.keys);
    this.assertHeld();
    const { extend } = this.#grant;
    if (extend === null) throw this.#unsupported("extending this lock; acquire it with an ownerId");
    await this.#inTurn(() => this.#extend(asked, extend));
  }

  async #extend(asked: number, extend: (expire: number) => Promise<void>): Promise<void> {
    this.assertHeld();
    const deadline = performance.now() + (asked === 0 ? Infinity : asked);
    // A shorter one counts at once: where no answer comes, nobody knows whether it was carried out.
    if (deadline < this.#deadline) this.#endAt(deadline);
    try {
      await extend(asked);
    } catch (error) {
      if (isLockError(error, "LOCK_LOST")) this.end(error);
      // Acquiring again was refused: somebody else holds it by now.
      if (isLockError(error, "LOCK_NOT_ACQUIRED")) this.#lose();
      this.assertHeld();
      throw error;
    }
    // It may have been released meanwhile.
    if (this.#over !== null) return this.assertHeld();
    this.#endAt(deadline);
  }

  release(): Promise<boolean> {
    this.#releasing ??= this.#inTurn(() => this.#release()).catch((error: unknown) => {
      this.#releasing = null;
      throw error;
    });
    return this.#releasing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Ends it with this error, unless it is over already. */
  end(error: LockError): void {
    if (this.#over !== null) return;
    this.#over = error;
    this.#stop();
    this.#abort?.abort(error);
  }

  /** The provider has released it by itself. */
  settle(): void {
    this.#over ??= "released";
    this.#stop();
  }

  readonly #lose = (): void => this.end(lost(this.keys, "the backend says so", this.#grant.lost?.reason));

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#grant.lost?.removeEventListener("abort", this.#lose);
  }

  async #release(): Promise<boolean> {
    if (this.#grant.release === null)
      throw this.#unsupported("releasing the lock of execute from within its job");
    // The provider frees by owner: by now that could be a later holder's.
    if (this.lostBecause !== null) return false;
    const freed = await this.#grant.release();
    this.settle();
    return freed;
  }

  #endAt(deadline: number): void {
    this.#deadline = deadline;
    if (this.#abort !== null) this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#over !== null || this.#deadline === Infinity) return;
    // Longer than a timer's range: looked at again when it rings.
    const delay = Math.min(Math.ceil(this.#deadline - performance.now()), 2 ** 31 - 1);
    this.#timer = setTimeout(() => {
      this.#endIfOver();
      this.#watch();
    }, delay).unref();
  }

  #endIfOver(): void {
    if (this.#over === null && performance.now() >= this.#deadline)
      this.end(lost(this.keys, "its time has run out"));
  }

  #wasReleased(): LockLostError {
    return lost(this.keys, "it was released");
  }

  #unsupported(what: string): LockError {
    const message = `The provider "${this.#grant.name}" does not offer ${what}`;
    return new LockError("LOCK_UNSUPPORTED", message, { keys: this.keys });
  }
}
