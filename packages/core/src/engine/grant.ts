import { parseDuration, type Duration } from "../arguments/duration.ts";
import { LockError, type LockLostError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import { UNSET, type Appointment } from "./agenda.ts";
import type { Freed } from "./exchange.ts";
import type { GrantHost } from "./grant-host.ts";
import { askedFor, confirmed, leaseFrom, renewalFailed, unanswered, type Lease } from "./lease.ts";
import { isThenable } from "./outbox.ts";
import { closed, lost, unavailable } from "./refusals.ts";
import type { Granted } from "./waiter.ts";

/** How a grant is held: renewed in the background for a job, until its own expiry, or as long as a transaction lives. */
export type Keeping = "renewed" | "as-granted" | "bound";

/** A grant that is held, lost or released: the handle that users get, and what renews it. */
export class Grant implements Lock, Appointment {
  slot: number = UNSET;
  /** Its neighbours among the grants whose jobs run. Written by the engine's `Residents` alone. */
  before: Grant | null = null;
  after: Grant | null = null;
  readonly keys: readonly string[];
  readonly ownerId: string | null;
  readonly id: string;
  readonly #host: GrantHost;
  readonly #keeping: Keeping;
  readonly token: bigint | number | null;
  readonly #tombstone: boolean;
  readonly #stray: string | undefined;
  #lease: Lease;
  #longestLease: number;
  // Its lease is being changed, and these wait to change it next. One at a time: of two under way at once, the one
  // answered last need not be the one carried out last.
  #changing = false;
  #changes: (() => void)[] | null = null;
  #over: "released" | LockError | null = null;
  #abort: AbortController | null = null;
  #releasing: Awaitable<Freed> | null = null;
  #releasedBefore = false;
  #lastFailure: unknown;

  constructor(
    host: GrantHost,
    keys: readonly string[],
    ownerId: string | null,
    granted: Granted,
    keeping: Keeping,
    leaseLength: number,
  ) {
    this.#host = host;
    this.keys = keys;
    this.ownerId = ownerId;
    this.id = granted.grantId;
    this.token = granted.token;
    this.#tombstone = granted.tombstone;
    this.#stray = granted.stray;
    this.#keeping = keeping;
    this.#lease = leaseFrom(granted.since, granted.remaining, leaseLength);
    this.#longestLease = leaseLength;
    if (keeping === "renewed") {
      host.run(this);
      this.#watch();
    }
  }

  get fencingToken(): bigint {
    if (this.#host.fencing && this.token != null) return BigInt(this.token);
    const message = `The provider "${this.#host.name}" gives no fencing tokens`;
    throw new LockError("LOCK_UNSUPPORTED", message, { keys: this.keys });
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      this.#endIfOver();
      if (this.#over instanceof LockError) this.#abort.abort(this.#over);
      else this.#watch();
    } else {
      // Also when the process was stopped and its timers have not run yet.
      this.#endIfOver();
    }
    return this.#abort.signal;
  }

  /** Why it is not held any more, if it was lost. */
  get lostBecause(): LockError | null {
    this.#endIfOver();
    return this.#over instanceof LockError ? this.#over : null;
  }

  /** The longest lease that was asked for, in milliseconds: answered or not, the backend may hold it for that long. */
  get longestLease(): number {
    return this.#longestLease;
  }

  remaining(): number {
    if (this.#over !== null) return 0;
    if (this.#lease.deadline === Infinity) return Infinity;
    return Math.max(0, this.#lease.deadline - this.#host.clock.now());
  }

  assertHeld(): void {
    this.#endIfOver();
    if (this.#over === null) return;
    throw this.#over === "released" ? this.#wasReleased() : this.#over;
  }

  async extend(expire: Duration): Promise<void> {
    const asked = parseDuration(expire, "expire", this.keys);
    this.assertHeld();
    while (this.#changing) await new Promise<void>((resolve) => (this.#changes ??= []).push(resolve));
    this.assertHeld();
    // It lasts as long as its transaction, whatever is asked.
    if (this.#keeping === "bound") return;
    if (this.#host.closed) throw closed(this.#host.name, this.keys);
    // The lock of a job always has a lease, so that a dead process does not hold it for ever.
    const length = asked > 0 ? asked : this.#keeping === "renewed" ? this.#host.defaultLease : Infinity;
    await new Promise<void>((resolve, reject) => {
      this.#change(length, (failure) => {
        if (failure !== null) reject(unavailable(this.#host.name, "extending", this.keys, failure.error));
        else if (this.#over === null) resolve();
        else reject(this.#over === "released" ? this.#wasReleased() : this.#over);
      });
    });
  }

  async release(): Promise<boolean> {
    if (this.#host.closed && this.#releasing === null && this.#keeping !== "bound")
      throw closed(this.#host.name, this.keys);
    return (await this.giveBack()) === "freed";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Releases it, once; after a failure it may be called again. What the store answers at once is answered at once. */
  giveBack(): Awaitable<Freed> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  /** Its release found it gone: it was lost, nobody knows when. */
  goneBefore(): LockLostError {
    const error = lost(this.keys, "it was gone when it was released");
    this.#host.grantLost(this, error);
    return error;
  }

  /** Its job has settled, and it is given back. */
  leave(): void {
    this.#host.leave(this);
  }

  /** Exclusivity can't be assumed any more: from now on it is over, and whoever listens is told at once. */
  lose(why: string, cause?: unknown): void {
    if (this.#over === null) this.end(lost(this.keys, why, cause));
  }

  /** Ends it with this error. */
  end(error: LockError | LockLostError): void {
    if (this.#over !== null) return;
    this.#over = error;
    this.#host.leases.cancel(this);
    this.#host.grantLost(this, error);
    this.#abort?.abort(error);
  }

  due(now: number): void {
    if (now >= this.#lease.deadline) return this.#expire();
    this.#renew();
  }

  /** Its next appointment: the renewal, if it is kept by renewals, and the deadline, if anybody would hear of it. */
  #watch(): void {
    if (this.#over !== null) return;
    const { renewAt, deadline } = this.#lease;
    if (this.#keeping === "renewed") {
      this.#host.leases.set(this, this.#changing ? deadline : Math.min(renewAt, deadline));
    } else if (this.#abort !== null) {
      this.#host.leases.set(this, deadline);
    }
  }

  #renew(): void {
    this.#change(this.#lease.length, (failure) => {
      if (failure === null) return;
      this.#lease = renewalFailed(this.#lease, this.#host.clock.now(), this.#host.random());
      this.#lastFailure = failure.error;
      this.#watch();
    });
  }

  /** Asks the backend to let it last `length` from now. */
  #change(length: number, done: (failure: { readonly error: unknown } | null) => void): void {
    const changed = (failure: { readonly error: unknown } | null): void => {
      this.#changing = false;
      this.#watch();
      done(failure);
      const next = this.#changes ?? [];
      this.#changes = null;
      for (const tell of next) tell();
    };
    this.#changing = true;
    this.#longestLease = Math.max(this.#longestLease, length);
    this.#lease = askedFor(this.#lease, this.#host.clock.now(), length);
    this.#watch();
    this.#host.renew(
      { grantId: this.id, keys: this.keys, lease: length },
      {
        answered: (reply, sentAt, repeated) => {
          if (repeated) this.#lease = unanswered(this.#lease, sentAt, length);
          if (reply.status === "lost") this.lose("the backend does not hold it any more");
          else this.#lease = confirmed(this.#lease, sentAt, reply.remaining, length);
          changed(null);
        },
        failed: (error) => {
          this.#lease = unanswered(this.#lease, this.#host.clock.now(), length);
          changed({ error });
        },
      },
    );
  }

  #endIfOver(): void {
    const { deadline } = this.#lease;
    // Most locks in memory have none, and looking at the clock takes longer than all else here.
    if (deadline !== Infinity && this.#host.clock.now() >= deadline) this.#expire();
  }

  #expire(): void {
    const why =
      this.#keeping === "renewed"
        ? "nothing confirmed it within its lease"
        : "its time has run out (extend it, or give it a longer expire)";
    this.lose(why, this.#lastFailure);
  }

  #wasReleased(): LockLostError {
    return lost(this.keys, "it was released");
  }

  #release(): Awaitable<Freed> {
    if (this.#over === null) {
      this.#over = "released";
      this.#host.leases.cancel(this);
    }
    // Nothing but the end of its transaction frees it.
    if (this.#keeping === "bound") return "unclear";
    const again = this.#releasedBefore;
    this.#releasedBefore = true;
    let freed: Awaitable<Freed>;
    try {
      freed = this.#host.free({
        by: "grant",
        grantId: this.id,
        keys: this.keys,
        tombstone: this.#tombstone,
      });
    } catch (error) {
      throw this.#notReleased(error);
    }
    if (this.#stray !== undefined) this.#host.bury(this.#stray, this.keys);
    return isThenable(freed) ? this.#freedLater(freed, again) : certain(freed, again);
  }

  /** Apart, so that a store that answers at once pays for no closures. */
  #freedLater(freed: PromiseLike<Freed>, again: boolean): PromiseLike<Freed> {
    return freed.then(
      (found) => certain(found, again),
      (error: unknown) => {
        this.#releasing = null;
        throw this.#notReleased(error);
      },
    );
  }

  #notReleased(error: unknown): LockError {
    return unavailable(this.#host.name, "releasing", this.keys, error);
  }
}

/** What a release found, where an earlier one of the same grant failed and may have freed it. */
function certain(freed: Freed, again: boolean): Freed {
  return freed === "gone" && again ? "unclear" : freed;
}
