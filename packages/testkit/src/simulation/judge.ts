import { isLockError } from "@lock/core";
import { getEventListeners } from "node:events";
import type { Attempt } from "./attempt.ts";
import type { World } from "./world.ts";

/** How long a call may go on for its withdrawal once the waiting is over. */
const WITHDRAWAL = 200;
/** How long a call that does not wait may take to learn that the backend does not answer. */
export const CALL_TIMEOUT = 2_000;

/** What a call came to. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** Asks of a call that has ended what the contract promises of it. */
export function judge(world: World, attempt: Attempt, outcome: Outcome, signal: AbortSignal): void {
  const { fair, steady } = world.conditions;
  const violate = (rule: string, message: string): void =>
    world.violate(rule, `call ${attempt.call.name} ${message}`);
  if ("error" in outcome) judgeError(world, attempt, outcome.error, violate);
  if (steady) judgeTime(world, attempt, violate);
  if (getEventListeners(signal, "abort").length > 0) violate("listener left", "has left a listener");
  const quick = world.schedule.weather.latency * 2 <= WITHDRAWAL;
  // What was lost is given back in the background.
  const lost = "error" in outcome && isLockError(outcome.error, "LOCK_LOST");
  if (fair && steady && quick && !lost && !attempt.process.closed && hasTraces(world, attempt))
    violate("trace left", "has ended, and the backend has a place or a grant of it still");
}

function judgeError(
  world: World,
  attempt: Attempt,
  error: unknown,
  violate: (rule: string, message: string) => void,
): void {
  const { fair, steady, unstepped } = world.conditions;
  if (error === attempt.aborted) {
    if (attempt.abortedAt === null) violate("outcome", "ended as if it was aborted");
    if (attempt.grantedAt !== null) violate("outcome", "was aborted while its job ran");
    return;
  }
  if (!isLockError(error)) return violate("outcome", `failed with ${String(error)}`);
  switch (error.code) {
    case "LOCK_LOST":
      if (attempt.grantedAt === null) return violate("outcome", "lost what it never had");
      if (fair && steady && unstepped && isAmple(world, attempt) && !isMeddled(world, attempt))
        violate("lost for nothing", `lost its lock for no reason: ${error.message}`);
      return;
    case "LOCK_TIMEOUT":
    case "LOCK_NOT_ACQUIRED":
      if (attempt.grantedAt !== null) return violate("outcome", `ended with ${error.code} after its job ran`);
      if (!attempt.answered)
        violate("wrong reason", `ended with ${error.code}, and the backend never answered it`);
      return;
    case "LOCK_UNAVAILABLE":
      if (fair && steady && isAmple(world, attempt))
        violate("wrong reason", `ended with LOCK_UNAVAILABLE: ${error.message}`);
      return;
    case "LOCK_CLOSED":
      if (!attempt.process.closed) violate("outcome", "ended with LOCK_CLOSED");
      return;
    case "LOCK_REENTRANT":
    case "LOCK_UNSUPPORTED":
    case "LOCK_INVALID_ARGUMENT":
    case "LOCK_CONFIG":
      violate("outcome", `ended with ${error.code}`);
  }
}

function judgeTime(world: World, attempt: Attempt, violate: (rule: string, message: string) => void): void {
  const { calledAt, grantedAt, abortedAt } = attempt;
  const limit = patience(attempt);
  if (grantedAt !== null) {
    if (grantedAt > calledAt + limit)
      violate("late", `was granted ${grantedAt - calledAt} ms after it was called`);
    return;
  }
  const over = Math.min(calledAt + limit, abortedAt ?? Infinity) + WITHDRAWAL + 1;
  if (world.clock.now() > over) violate("late", `waited ${world.clock.now() - calledAt} ms`);
}

/** How long a call waits for its grant, or for the backend to answer. */
function patience({ call }: Attempt): number {
  const waits = call.does === "execute" || call.awaitQueue;
  return waits && call.timeout > 0 ? call.timeout : CALL_TIMEOUT;
}

/** Whether its patience and all its leases are long enough for the way there and back, so that nothing but a defect can let them end. */
function isAmple({ schedule }: World, attempt: Attempt): boolean {
  const { call } = attempt;
  const leases = [patience(attempt), call.expire || Infinity, call.extend?.expire || Infinity];
  return Math.min(...leases) > 8 * schedule.weather.latency;
}

/** Whether the backend knows of a call's claim. */
function hasTraces({ backend }: World, { claimId }: Attempt): boolean {
  if (claimId === null) return false;
  return (
    backend.places.some((place) => place.claim.id === claimId) ||
    backend.holdings.some((holding) => holding.claims.has(claimId))
  );
}

/** Whether what a call was granted was freed or changed by somebody else's call. */
export function isMeddled({ backend }: World, { claimId }: Attempt): boolean {
  return [...backend.grants.values()].some((grant) => grant.id === claimId && grant.meddled);
}
