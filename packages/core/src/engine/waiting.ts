import { isLockError, LockError } from "../contract/errors.ts";
import { CHECK_INTERVAL, type Handover, type TakeReply } from "../contract/lock-store.ts";
import { pauseAfter } from "./pause.ts";
import { ASKS_WITHOUT_WAITING, SILENCE, type Policy } from "./policy.ts";

/**
 * The first half of a claim's life, from the first ask until it is granted or given up. Pure: it knows no clock, timer or
 * store. `waiter.ts` carries out what it decides.
 *
 * ```text
 *            ┌────────── wake, check, failure's pause is over ──────────┐
 *            ▼                                                          │
 *   start → asking ── queued ──────────────→ in the queue ──────────────┤
 *            │  └──── busy, failed ────────→ pausing ───────────────────┘
 *            ├─ granted ─→ grant                │ hand-over ─→ grant
 *            └─ busy and not waiting ─→ refuse  └ time is up ─→ give up
 * ```
 */
export interface Waiting {
  /** When it gives up; `Infinity`: never. */
  readonly giveUpAt: number;
  /** Whether it waits at all. `false`: it takes the keys now or is refused. */
  readonly waits: boolean;
  /** When the request under way was sent; `null`: none is. */
  readonly asking: number | null;
  /** A reason to ask came up while a request was under way, whose answer may not know of it. */
  readonly askAgain: boolean;
  /** Its place in the queue; `null`: it has none. */
  readonly ticket: number | null;
  /** When the last request was sent that was answered with this place. */
  readonly since: number;
  /** When to ask by itself; `Infinity` while a request is under way. */
  readonly askAt: number;
  /** Answers so far. */
  readonly answers: number;
  /** Failures since the last answer, and the last of them. */
  readonly failures: number;
  readonly failure: unknown;
  /** A hand-over that came while a request was under way, and when it was heard. */
  readonly early: { readonly handover: Handover; readonly heardAt: number } | null;
  /** A request was sent that was never answered: it may still arrive. */
  readonly unanswered: boolean;
}

export interface Rules {
  readonly policy: Policy;
  /** Whether the store wakes its waiters. */
  readonly push: boolean;
  /**
   * Whether a grant is used at once: by the job of `execute`, which may start on a provisional grant and never on one that
   * is over. `acquire` hands its grant on, so it must be confirmed, and the handle tells what is left of it.
   */
  readonly runsJob: boolean;
  /** A number from 0 up to 1. */
  random(): number;
}

export type Step =
  | { readonly act: "ask" | "idle"; readonly waiting: Waiting }
  | {
      readonly act: "grant";
      readonly waiting: Waiting;
      readonly grantId: string;
      readonly token: bigint | number | null;
      /** The lease counts from here. */
      readonly since: number;
      readonly remaining: number;
    }
  | { readonly act: "refuse"; readonly waiting: Waiting; readonly ownerId: string | null }
  | { readonly act: "give-up"; readonly waiting: Waiting }
  | { readonly act: "fail"; readonly waiting: Waiting; readonly error: unknown };

/** `timeout`: milliseconds to wait, or for the backend to answer where it does not wait. */
export function startWaiting(now: number, timeout: number, waits: boolean): Waiting {
  return {
    giveUpAt: now + timeout,
    waits,
    asking: now,
    askAgain: false,
    ticket: null,
    since: now,
    askAt: Infinity,
    answers: 0,
    failures: 0,
    failure: undefined,
    early: null,
    unanswered: false,
  };
}

const tooSlow = new Error("The lease ended before the answer that granted it came");

/** When something is to happen by itself. */
export function wakesAt(waiting: Waiting): number {
  return Math.min(waiting.giveUpAt, waiting.askAt);
}

/** Whether the backend may know of this claim, so that it must be withdrawn when it ends. */
export function leavesTraces(waiting: Waiting): boolean {
  return waiting.ticket !== null || mayStillArrive(waiting);
}

/** Whether a request of this claim may still be on its way. */
export function mayStillArrive(waiting: Waiting): boolean {
  return waiting.asking !== null || waiting.unanswered;
}

/** It was asked for in a batch before, which failed and may still arrive. */
export function askedBefore(waiting: Waiting): Waiting {
  return { ...waiting, unanswered: true };
}

/** The request that is under way was answered. `sentAt` is when it really went out, maybe a little after it was posted. */
export function answered(
  waiting: Waiting,
  reply: Exclude<TakeReply, { readonly status: "failed" }>,
  sentAt: number,
  now: number,
  rules: Rules,
): Step {
  switch (reply.status) {
    case "granted":
      // The answer took longer than the lease: a job would start unprotected, and somebody else may hold the keys by now.
      if (rules.runsJob && sentAt + reply.remaining <= now) return unanswered(waiting, tooSlow, now, rules);
      return {
        act: "grant",
        waiting: heard(waiting),
        grantId: reply.grantId,
        token: reply.token,
        since: sentAt,
        remaining: reply.remaining,
      };
    case "queued": {
      const askAt = now + untilCheck(waiting, reply.checkIn, rules);
      const queued: Waiting = {
        ...waiting,
        asking: null,
        ticket: reply.ticket,
        since: sentAt,
        answers: waiting.answers + 1,
        failures: 0,
        failure: undefined,
        early: null,
        askAt,
      };
      const { early } = waiting;
      if (early?.handover.ticket === reply.ticket)
        return handedOver(queued, early.handover, now, rules, early.heardAt);
      return later(queued, now);
    }
    case "busy":
      if (!waiting.waits) return { act: "refuse", waiting: heard(waiting), ownerId: reply.ownerId };
      return later(
        {
          ...heard(waiting),
          ticket: null,
          askAt: now + Math.min(pause(waiting, rules), untilEnd(reply.freeIn)),
        },
        now,
      );
    case "withdrawn":
      return {
        act: "fail",
        waiting: heard(waiting),
        error: new LockError(
          "LOCK_UNAVAILABLE",
          "The backend says that this claim was withdrawn, which it was not",
        ),
      };
  }
}

function heard(waiting: Waiting): Waiting {
  return { ...waiting, asking: null, answers: waiting.answers + 1, failures: 0, failure: undefined };
}

/** The request that is under way failed: it may or may not have been carried out. */
export function unanswered(waiting: Waiting, error: unknown, now: number, rules: Rules): Step {
  const failures = waiting.failures + 1;
  const again = waiting.askAgain || waiting.early !== null;
  const next: Waiting = {
    ...waiting,
    asking: null,
    askAgain: again,
    early: null,
    failures,
    failure: error,
    unanswered: true,
  };
  // A LockError is the backend's own refusal: asking again won't change its mind.
  if (isLockError(error)) return { act: "fail", waiting: next, error };
  if (!waiting.waits && failures >= ASKS_WITHOUT_WAITING) return { act: "fail", waiting: next, error };
  return later({ ...next, askAt: now + pauseAfter(failures, 25, 1_000, rules.random()) }, now);
}

/** A grant was pushed. `heardAt`: when it was heard of, where that was earlier. */
export function handedOver(
  waiting: Waiting,
  handover: Handover,
  now: number,
  rules: Rules,
  heardAt: number = now,
): Step {
  // A request that is under way may find this grant freed from elsewhere and queue again, under the same id: only its
  // answer tells which grant there is.
  if (waiting.asking !== null) return { act: "idle", waiting: { ...waiting, early: { handover, heardAt } } };
  // A place it does not stand at: no grant, only a reason to ask.
  if (waiting.ticket === null || waiting.ticket !== handover.ticket)
    return { act: "ask", waiting: ask(waiting, now) };
  const since = handover.provisional ? waiting.since : heardAt;
  const left = since + handover.remaining - now;
  const trusted = handover.provisional ? rules.runsJob && left >= handover.remaining / 4 : left > 0;
  if (!trusted) return woken(waiting, now);
  return {
    act: "grant",
    waiting,
    grantId: handover.grantId ?? handover.claimId,
    token: handover.token,
    since,
    remaining: handover.remaining,
  };
}

/** There is a reason to ask. */
export function woken(waiting: Waiting, now: number): Step {
  if (waiting.asking !== null) return { act: "idle", waiting: { ...waiting, askAgain: true } };
  return { act: "ask", waiting: ask(waiting, now) };
}

/** The time that `wakesAt` named has come. */
export function timePassed(waiting: Waiting, now: number): Step {
  if (now >= waiting.giveUpAt) return { act: "give-up", waiting };
  return later(waiting, now);
}

/** Whether the backend, when time is up, was there to be asked; otherwise the wait failed for another reason than contention. */
export function couldAsk(waiting: Waiting, now: number): boolean {
  if (!waiting.waits || waiting.failures > 0) return false;
  if (waiting.asking === null) return true;
  return waiting.answers > 0 && now - waiting.asking < SILENCE;
}

function later(waiting: Waiting, now: number): Step {
  if (waiting.askAgain || now >= waiting.askAt) return { act: "ask", waiting: ask(waiting, now) };
  return { act: "idle", waiting };
}

function ask(waiting: Waiting, now: number): Waiting {
  return { ...waiting, asking: now, askAgain: false, askAt: Infinity };
}

function untilCheck(waiting: Waiting, checkIn: number, rules: Rules): number {
  return Math.min(untilEnd(checkIn), rules.push ? CHECK_INTERVAL : pause(waiting, rules));
}

/** One past the end that the backend named, since it counts whole milliseconds; never at once, whatever it names. */
function untilEnd(milliseconds: number): number {
  return 1 + Math.max(0, milliseconds);
}

function pause(waiting: Waiting, rules: Rules): number {
  const { firstPause, longestPause } = rules.policy;
  return pauseAfter(waiting.answers, firstPause, longestPause, rules.random());
}
