import type { Lock } from "../contract/lock.ts";
import type { Awaitable, Claim, Handover, TakeReply } from "../contract/lock-store.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import { Grant } from "./grant.ts";
import type { JobHost } from "./job.ts";
import type { Receiver } from "./outbox.ts";
import { notAcquired, timedOut, unavailable } from "./refusals.ts";
import {
  answered,
  askedBefore,
  couldAsk,
  handedOver,
  leavesTraces,
  mayStillArrive,
  startWaiting,
  timePassed,
  unanswered,
  wakesAt,
  woken,
  type Rules,
  type Step,
  type Waiting,
} from "./waiting.ts";

type Answered = Exclude<TakeReply, { readonly status: "failed" }>;

/** A grant as the waiting ended with it. */
export interface Granted {
  readonly grantId: string;
  readonly token: bigint | number | null;
  /** When the request was sent that the lease counts from. */
  readonly since: number;
  readonly remaining: number;
  /** A request may still be on its way that could take again once this grant is released. */
  readonly tombstone: boolean;
  /**
   * Its claim, where that was granted in place, under another's id, and a request for it may still be on its way: once the grant is
   * released that could take again, so the claim is withdrawn as well.
   */
  readonly stray?: string | undefined;
}

/** What became of the waiting, other than a grant. */
type Ending =
  | { readonly why: "refused"; readonly ownerId: string | null }
  | { readonly why: "timed-out" }
  | { readonly why: "unavailable"; readonly cause: unknown }
  | { readonly why: "ended"; readonly reason: unknown };

/** A claim, and how long it is worth waiting for. */
export interface Wish {
  readonly claim: Claim;
  /** Milliseconds; 0: one try, which is refused as if that time were up. `null`: the caller does not wait. */
  readonly timeout: number | null;
  readonly signal: AbortSignal | undefined;
  /** What `execute` runs under the grant. */
  readonly job: ((lock: Lock) => Awaitable<unknown>) | null;
}

/** What a waiter needs of its engine. */
export interface WaiterHost extends JobHost {
  /** What messages call the provider. */
  readonly name: string;
  readonly clock: Clock;
  readonly agenda: Agenda;
  /** Milliseconds that the backend may take to answer. */
  readonly callTimeout: number;
  /** Sends a `take`. */
  ask(claim: Claim, receiver: Receiver<Answered>): void;
  /** Gives back what the backend may have of the claim. Calls `done` once, soon, whether or not that has been delivered. */
  withdraw(claim: Claim, tombstone: boolean, done: () => void): void;
  /** The waiter is over: pushed grants don't concern it any more. */
  forget(waiter: Waiter): void;
  /** It is held from this moment on. */
  hold(claim: Claim, granted: Granted): Grant;
}

/**
 * Carries out what `waiting.ts` decides for one claim: sends, sets its one appointment, listens to its signal. There may be very many, so
 * it is in itself what others would keep beside it: the appointment, the listener, and what its caller goes on with once it is over.
 */
export class Waiter implements Appointment, Receiver<Answered> {
  slot: number = UNSET;
  readonly claim: Claim;
  readonly signal: AbortSignal | undefined;
  readonly job: Wish["job"];
  readonly host: WaiterHost;
  readonly #timeout: number | null;
  readonly #rules: Rules;
  readonly #tell: (over: Waiter) => void;
  #waiting: Waiting;
  #over = false;
  #outcome: Grant | Ending | null = null;

  /** `tell`: called with the waiter itself once it has an outcome. */
  constructor(
    host: WaiterHost,
    { claim, timeout, signal, job }: Wish,
    startedAt: number,
    rules: Rules,
    tell: (over: Waiter) => void,
  ) {
    this.claim = claim;
    this.signal = signal;
    this.job = job;
    this.host = host;
    this.#timeout = timeout;
    this.#rules = rules;
    this.#tell = tell;
    const patience = claim.wait && timeout !== null ? timeout : host.callTimeout;
    this.#waiting = startWaiting(startedAt, patience, claim.wait);
  }

  /** The grant that came of it; throws what else did. */
  get grant(): Grant {
    if (this.#outcome instanceof Grant) return this.#outcome;
    throw this.#refusal(this.#outcome!);
  }

  /** `ask`: sends the first request; `false` where that was done already. */
  start(ask: boolean): void {
    this.signal?.addEventListener("abort", this);
    this.host.agenda.set(this, wakesAt(this.#waiting));
    if (ask) this.host.ask(this.claim, this);
  }

  /** Its signal has aborted. */
  handleEvent(): void {
    this.end(this.signal?.reason);
  }

  answered(reply: Answered, sentAt: number, repeated: boolean): void {
    if (this.#over) return this.#answeredLate(reply);
    const waiting = repeated ? askedBefore(this.#waiting) : this.#waiting;
    this.#carryOut(answered(waiting, reply, sentAt, this.host.clock.now(), this.#rules));
  }

  failed(error: unknown): void {
    if (!this.#over) this.#carryOut(unanswered(this.#waiting, error, this.host.clock.now(), this.#rules));
  }

  handedOver(handover: Handover): void {
    if (!this.#over) this.#carryOut(handedOver(this.#waiting, handover, this.host.clock.now(), this.#rules));
  }

  woken(): void {
    if (!this.#over) this.#carryOut(woken(this.#waiting, this.host.clock.now()));
  }

  due(now: number): void {
    this.#carryOut(timePassed(this.#waiting, now));
  }

  /** Ends the waiting with `reason`. */
  end(reason: unknown): void {
    if (!this.#over) this.#leave({ why: "ended", reason });
  }

  /** Nobody waits for it any more: it is given back, in case the withdrawal came before it. */
  #answeredLate(reply: Answered): void {
    if (reply.status === "granted" || reply.status === "queued")
      this.host.withdraw(this.claim, true, () => {});
  }

  #carryOut(step: Step): void {
    this.#waiting = step.waiting;
    switch (step.act) {
      case "ask":
        this.host.agenda.set(this, wakesAt(this.#waiting));
        return this.host.ask(this.claim, this);
      case "idle":
        return this.host.agenda.set(this, wakesAt(this.#waiting));
      case "grant": {
        const { grantId, token, since, remaining } = step;
        this.#close();
        const stray = mayStillArrive(step.waiting) ? this.claim.id : undefined;
        // A tombstone on another claim would refuse its caller, who may be waiting still.
        const tombstone = stray === grantId;
        const granted = { grantId, token, since, remaining, tombstone };
        return this.#hold(stray === undefined || tombstone ? granted : { ...granted, stray });
      }
      case "refuse":
        return this.#leave({ why: "refused", ownerId: step.ownerId });
      case "fail":
        return this.#leave({ why: "unavailable", cause: step.error });
      case "give-up": {
        const asked = couldAsk(this.#waiting, this.host.clock.now());
        return this.#leave(
          asked ? { why: "timed-out" } : { why: "unavailable", cause: this.#waiting.failure },
        );
      }
    }
  }

  #leave(ending: Ending): void {
    const waiting = this.#waiting;
    this.#close();
    if (!leavesTraces(waiting)) return this.#settle(ending);
    this.host.withdraw(this.claim, mayStillArrive(waiting), () => this.#settle(ending));
  }

  #close(): void {
    this.#over = true;
    this.signal?.removeEventListener("abort", this);
    this.host.agenda.cancel(this);
    this.host.forget(this);
  }

  /** Before anybody who waits for it has heard of it. */
  #hold(granted: Granted): void {
    this.#outcome = this.host.hold(this.claim, granted);
    this.#tell(this);
  }

  #settle(ending: Ending): void {
    this.#outcome = ending;
    this.#tell(this);
  }

  #refusal(ending: Ending): unknown {
    const { keys } = this.claim;
    switch (ending.why) {
      case "refused":
        return this.#timeout === null ? notAcquired(keys, ending.ownerId) : timedOut(keys, this.#timeout);
      case "timed-out":
        return timedOut(keys, this.#timeout!);
      case "unavailable":
        return unavailable(this.host.name, "acquiring", keys, ending.cause);
      case "ended":
        return ending.reason;
    }
  }
}
