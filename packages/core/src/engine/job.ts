import type { LockError } from "../contract/errors.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import type { Lock } from "../contract/lock.ts";
import type { Freed } from "./exchange.ts";
import type { Grant } from "./grant.ts";
import { isThenable } from "./outbox.ts";
import type { Waiter } from "./waiter.ts";

type Job<T> = (lock: Lock) => Awaitable<T>;

/** What a job needs of its engine. */
export interface JobHost {
  /** The lock is not needed any more and could not be released: goes on trying in the background, as long as its lease may last. */
  leaveToLease(grant: Grant): void;
  warn(message: string): void;
}

/** Runs a job once under its grant, gives the grant back, and hands on what the job did, unless it ran unprotected. */
export function runJob<T>(grant: Grant, job: Job<T>, host: JobHost): Promise<T> {
  return runUnder(grant, job, host, false);
}

/**
 * Runs the job of a claim that had to be waited for, unless its grant has ended since: between the two the process may have stood still, or
 * been kept busy by the jobs of other grants. One function for all: else each who waits would keep a closure of its own.
 */
export function runJobInTime<T>({ grant, signal, job, host }: Waiter): Promise<T> {
  if (signal?.aborted) return giveUp(grant, signal, host);
  return runUnder(grant, job as Job<T>, host, true);
}

async function runUnder<T>(grant: Grant, job: Job<T>, host: JobHost, waited: boolean): Promise<T> {
  try {
    let value: T;
    try {
      if (waited) ensureInTime(grant);
      value = await job(grant);
    } catch (error) {
      await finish(grant, error, host);
      throw error;
    }
    const finishing = finish(grant, undefined, host);
    if (finishing !== undefined) await finishing;
    return value;
  } finally {
    grant.leave();
  }
}

function ensureInTime(grant: Grant): void {
  if (grant.remaining() === 0) grant.lose("its lease ended before the job could begin; the job did not run");
  grant.assertHeld();
}

/** Gives back a grant that came when nobody waited for it any more. */
async function giveUp(grant: Grant, signal: AbortSignal, host: JobHost): Promise<never> {
  try {
    await grant.giveBack();
  } catch {
    host.leaveToLease(grant);
  } finally {
    grant.leave();
  }
  throw signal.reason;
}

/** Throws where the job ran unprotected. */
function finish(grant: Grant, jobError: unknown, host: JobHost): Promise<void> | undefined {
  const before = grant.lostBecause;
  if (before !== null) {
    // The backend may hold it still, with nobody to use it. After a close it can't be asked; the lease ends it.
    if (before.code === "LOCK_LOST") host.leaveToLease(grant);
    throw causedBy(before, jobError);
  }
  const found = (freed: Freed): void => {
    if (freed === "gone") throw causedBy(grant.goneBefore(), jobError);
  };
  const undelivered = (error: unknown): void => {
    // The job was protected to its end, so its result stands.
    host.warn(`A lock could not be released and is left to its lease: ${String(error)}`);
    host.leaveToLease(grant);
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
