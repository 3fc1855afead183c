import { LockError, parseDuration } from "@lock/core";
import type { Duration } from "@lock/core";

/** How many replicas must have a grant before it counts. */
export interface ReplicaOptions {
  /** At least this many; 1 or more. */
  readonly min: number;
  /** How long to wait for them. The connection carries nothing else meanwhile. At most half the `callTimeout`. Default: 1 s. */
  readonly timeout?: Duration | undefined;
}

/** The same, checked. */
export interface Replicas {
  readonly min: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** @throws {LockError} `LOCK_CONFIG` for what can't be waited for. */
export function checkReplicas(options: ReplicaOptions | undefined, callTimeout: number): Replicas | null {
  if (options === undefined) return null;
  const { min, timeout } = options;
  if (!Number.isInteger(min) || min < 1) {
    throw new LockError("LOCK_CONFIG", "redisProvider needs replicas.min to be a whole number from 1 up");
  }
  const milliseconds = parseDuration(timeout ?? Math.min(1, callTimeout / 2_000), "replicas.timeout");
  // 0 would be for ever, to the server.
  if (milliseconds < 1 || milliseconds > callTimeout / 2) {
    throw new LockError(
      "LOCK_CONFIG",
      `redisProvider needs replicas.timeout to be longer than 0 and at most half the callTimeout, ${callTimeout / 2} ms`,
    );
  }
  return { min, timeout: Math.floor(milliseconds) };
}

export function unconfirmed({ min, timeout }: Replicas, confirmed: number): LockError {
  return new LockError(
    "LOCK_UNAVAILABLE",
    `The grant was given back: ${confirmed} of the ${min} replicas asked for had it within ${timeout} ms`,
  );
}
