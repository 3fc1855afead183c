import type { LockError } from "../contract/errors.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import type { Lock } from "../contract/lock.ts";
import type { Logger } from "../contract/logger.ts";
import type { Exchange, Freed } from "./exchange.ts";
import type { Grant } from "./grant.ts";
import { isThenable } from "./outbox.ts";

/** Runs a job once under its grant, gives the grant back, and hands on what the job did, unless it ran unprotected. */
export async function runJob<T>(
  grant: Grant,
  job: (lock: Lock) => Awaitable<T>,
  exchange: Exchange,
  logger: Logger | null,
): Promise<T> {
  try {
    let value: T;
    try {
      value = await job(grant);
    } catch (error) {
      await finish(grant, error, exchange, logger);
      throw error;
    }
    const finishing = finish(grant, undefined, exchange, logger);
    if (finishing !== undefined) await finishing;
    return value;
  } finally {
    grant.leave();
  }
}

/**
 * Runs a job whose grant had to be waited for, unless that has ended since: between the two the process may have stood still, or
 * been kept busy by the jobs of other grants.
 */
export function runJobInTime<T>(
  grant: Grant,
  job: (lock: Lock) => Awaitable<T>,
  exchange: Exchange,
  logger: Logger | null,
): Promise<T> {
  const begin = (lock: Lock): Awaitable<T> => {
    if (grant.remaining() === 0)
      grant.lose("its lease ended before the job could begin; the job did not run");
    grant.assertHeld();
    return job(lock);
  };
  return runJob(grant, begin, exchange, logger);
}

/** Gives back a grant that came when nobody waited for it any more. */
export async function giveUp(grant: Grant, signal: AbortSignal, exchange: Exchange): Promise<never> {
  try {
    await grant.giveBack();
  } catch {
    leaveToLease(grant, exchange);
  } finally {
    grant.leave();
  }
  throw signal.reason;
}

/** The lock is not needed any more and could not be released: goes on trying in the background, as long as its lease may last. */
function leaveToLease(grant: Grant, exchange: Exchange): void {
  const until = exchange.clock.now() + Math.max(grant.longestLease, exchange.policy.callTimeout);
  exchange.deliver({ by: "grant", grantId: grant.id, keys: grant.keys, tombstone: true }, until);
}

/** Throws where the job ran unprotected. */
function finish(
  grant: Grant,
  jobError: unknown,
  exchange: Exchange,
  logger: Logger | null,
): Promise<void> | undefined {
  const before = grant.lostBecause;
  if (before !== null) {
    // The backend may hold it still, with nobody to use it. After a close it can't be asked; the lease ends it.
    if (before.code === "LOCK_LOST") leaveToLease(grant, exchange);
    throw causedBy(before, jobError);
  }
  const found = (freed: Freed): void => {
    if (freed === "gone") throw causedBy(grant.goneBefore(), jobError);
  };
  const undelivered = (error: unknown): void => {
    // The job was protected to its end, so its result stands.
    logger?.warn(`A lock could not be released and is left to its lease: ${String(error)}`);
    leaveToLease(grant, exchange);
  };
  let freed: Awaitable<Freed>;
  try {
    freed = grant.giveBack();
  } catch (error) {
    undelivered(error);
    return undefined;
  }
  if (isThenable(freed)) return Promise.resolve(freed).then(found, undelivered);
  found(freed);
  return undefined;
}

/** The error of a job that lost its lock becomes the cause, unless it only passes the loss on: causes never run in a circle. */
export function causedBy(error: LockError, jobError: unknown): LockError {
  for (let each = jobError, depth = 0; depth < 100; depth += 1) {
    if (each === error) return error;
    if (!(each instanceof Error)) break;
    each = each.cause;
  }
  if (jobError !== undefined) error.cause = jobError;
  return error;
}
