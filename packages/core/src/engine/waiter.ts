import type { Claim, Handover, TakeReply } from "../contract/lock-store.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type { Receiver } from "./outbox.ts";
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
export type Ending =
  | { readonly why: "refused"; readonly ownerId: string | null }
  | { readonly why: "timed-out" }
  | { readonly why: "unavailable"; readonly cause: unknown }
  | { readonly why: "ended"; readonly reason: unknown };

/** What a waiter needs of its engine. */
export interface WaiterHost {
  readonly clock: Clock;
  readonly agenda: Agenda;
  /** Sends a `take`. */
  ask(claim: Claim, receiver: Receiver<Answered>): void;
  /** Gives back what the backend may have of the claim. Calls `done` once, soon, whether or not that has been delivered. */
  withdraw(claim: Claim, tombstone: boolean, done: () => void): void;
  /** The waiter is over: pushed grants don't concern it any more. */
  forget(waiter: Waiter): void;
}

/** Carries out what `waiting.ts` decides for one claim: sends, sets its one appointment, listens to its signal. */
export class Waiter implements Appointment, Receiver<Answered> {
  at = 0;
  slot: number = UNSET;
  readonly claim: Claim;
  readonly #host: WaiterHost;
  readonly #rules: Rules;
  readonly #signal: AbortSignal | undefined;
  readonly #settle: (outcome: Granted | Ending) => void;
  #waiting: Waiting;
  #over = false;
  #aborted: (() => void) | null = null;

  constructor(
    host: WaiterHost,
    claim: Claim,
    startedAt: number,
    timeout: number,
    rules: Rules,
    signal: AbortSignal | undefined,
    settle: (outcome: Granted | Ending) => void,
  ) {
    this.#host = host;
    this.claim = claim;
    this.#rules = rules;
    this.#signal = signal;
    this.#settle = settle;
    this.#waiting = startWaiting(startedAt, timeout, claim.wait);
  }

  /** `ask`: sends the first request; `false` where that was done already. */
  start(ask: boolean): void {
    if (this.#signal !== undefined) {
      this.#aborted = () => this.end(this.#signal?.reason);
      this.#signal.addEventListener("abort", this.#aborted);
    }
    this.#host.agenda.set(this, wakesAt(this.#waiting));
    if (ask) this.#host.ask(this.claim, this);
  }

  answered(reply: Answered, sentAt: number, repeated: boolean): void {
    if (this.#over) return this.#answeredLate(reply);
    const waiting = repeated ? askedBefore(this.#waiting) : this.#waiting;
    this.#carryOut(answered(waiting, reply, sentAt, this.#host.clock.now(), this.#rules));
  }

  failed(error: unknown): void {
    if (!this.#over) this.#carryOut(unanswered(this.#waiting, error, this.#host.clock.now(), this.#rules));
  }

  handedOver(handover: Handover): void {
    if (!this.#over) this.#carryOut(handedOver(this.#waiting, handover, this.#host.clock.now(), this.#rules));
  }

  woken(): void {
    if (!this.#over) this.#carryOut(woken(this.#waiting, this.#host.clock.now()));
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
      this.#host.withdraw(this.claim, true, () => {});
  }

  #carryOut(step: Step): void {
    this.#waiting = step.waiting;
    switch (step.act) {
      case "ask":
        this.#host.agenda.set(this, wakesAt(this.#waiting));
        return this.#host.ask(this.claim, this);
      case "idle":
        return this.#host.agenda.set(this, wakesAt(this.#waiting));
      case "grant": {
        const { grantId, token, since, remaining } = step;
        this.#close();
        const stray = mayStillArrive(step.waiting) ? this.claim.id : undefined;
        // A tombstone on another claim would refuse its caller, who may be waiting still.
        const tombstone = stray === grantId;
        const granted = { grantId, token, since, remaining, tombstone };
        return this.#settle(stray === undefined || tombstone ? granted : { ...granted, stray });
      }
      case "refuse":
        return this.#leave({ why: "refused", ownerId: step.ownerId });
      case "fail":
        return this.#leave({ why: "unavailable", cause: step.error });
      case "give-up": {
        const asked = couldAsk(this.#waiting, this.#host.clock.now());
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
    this.#host.withdraw(this.claim, mayStillArrive(waiting), () => this.#settle(ending));
  }

  #close(): void {
    this.#over = true;
    if (this.#aborted !== null) this.#signal?.removeEventListener("abort", this.#aborted);
    this.#host.agenda.cancel(this);
    this.#host.forget(this);
  }
}
