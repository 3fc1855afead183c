import type { LockError } from "../contract/errors.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import type { Lock } from "../contract/lock.ts";
import type { Logger } from "../contract/logger.ts";
import type { Exchange } from "./exchange.ts";
import type { Freed, Grant } from "./grant.ts";
import { lost } from "./refusals.ts";

/** Runs a job once under its grant, gives the grant back, and hands on what the job did, unless it ran unprotected. */
export async function runJob<T>(
  grant: Grant,
  job: (lock: Lock) => Awaitable<T>,
  exchange: Exchange,
  logger: Logger | null,
): Promise<T> {
  let value: T;
  try {
    value = await job(grant);
  } catch (error) {
    await finish(grant, error, exchange, logger);
    throw error;
  }
  await finish(grant, undefined, exchange, logger);
  return value;
}

/** The lock is not needed any more and could not be released: goes on trying in the background, as long as its lease may last. */
export function leaveToLease(grant: Grant, exchange: Exchange): void {
  const { clock, policy } = exchange;
  const until = clock.now() + Math.max(policy.lease, policy.callTimeout);
  exchange.deliver({ by: "grant", grantId: grant.id, keys: grant.keys, tombstone: true }, until);
}

async function finish(
  grant: Grant,
  jobError: unknown,
  exchange: Exchange,
  logger: Logger | null,
): Promise<void> {
  const before = grant.lostBecause;
  if (before !== null) {
    // The backend may hold it still, with nobody to use it. After a close it can't be asked; the lease ends it.
    if (before.code === "LOCK_LOST") leaveToLease(grant, exchange);
    throw causedBy(before, jobError);
  }
  const early = grant.released;
  let freed: Freed;
  try {
    freed = await grant.giveBack();
  } catch (error) {
    // The job was protected to its end, so its result stands.
    logger?.warn(`A lock could not be released and is left to its lease: ${String(error)}`);
    leaveToLease(grant, exchange);
    return;
  }
  if (freed === "gone" && !early) {
    throw causedBy(lost(grant.keys, "it was gone when the job was done"), jobError);
  }
}

function causedBy(error: LockError, jobError: unknown): LockError {
  if (jobError !== undefined && jobError !== error) error.cause = jobError;
  return error;
}
