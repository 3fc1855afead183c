import { LockError } from "../contract/errors.ts";
import type { AcquireArgs, ExecuteArgs } from "../contract/locking.ts";
import type { Logger } from "../contract/logger.ts";
import type { CleanAcquireArgs, CleanExecuteArgs } from "../contract/provider.ts";
import { describe } from "./describe.ts";
import { parseDuration } from "./duration.ts";
import { checkOwnerId } from "./keys.ts";

const defaults: CleanExecuteArgs = { timeout: undefined, expire: undefined, limit: 1, signal: undefined };

/** The arguments of a call as an object, whatever a caller without types passes. */
export function checkArgs<T extends object>(args: T | undefined, keys: readonly string[]): Partial<T> {
  if (args === undefined) return {};
  if (typeof args === "object" && args !== null && !Array.isArray(args)) return args;
  throw invalid(`The arguments of a call must be an object; got ${describe(args)}`, keys);
}

/** The arguments of `execute`, checked, in milliseconds. */
export function checkExecuteArgs(
  args: ExecuteArgs | undefined,
  keys: readonly string[],
  logger: Logger,
): CleanExecuteArgs {
  if (args === undefined) return defaults;
  const { timeout, expire, limit, signal } = checkArgs(args, keys);
  return {
    timeout: checkTimeout(timeout, keys, logger),
    expire: expire === undefined ? undefined : parseDuration(expire, "expire", keys),
    limit: checkLimit(limit, keys),
    signal: checkSignal(signal, keys),
  };
}

/** The arguments of `acquire`, checked, in milliseconds. */
export function checkAcquireArgs(
  args: AcquireArgs | undefined,
  keys: readonly string[],
  logger: Logger,
): CleanAcquireArgs {
  const { ownerId, awaitQueue } = checkArgs(args, keys);
  if (awaitQueue !== undefined && typeof awaitQueue !== "boolean") {
    throw invalid(`awaitQueue must be true or false; got ${describe(awaitQueue)}`, keys);
  }
  return {
    ...checkExecuteArgs(args, keys, logger),
    ownerId: checkOwnerId(ownerId, keys),
    awaitQueue: awaitQueue ?? false,
  };
}

/** How long `close` lets jobs run, in milliseconds; also `Infinity`. */
export function checkDrain(drain: unknown): number {
  if (drain === undefined) return 10_000;
  return drain === Infinity ? Infinity : parseDuration(drain, "drain");
}

// Loggers that have been told of a fraction: once each.
const warned = new WeakSet<Logger>();

function checkTimeout(timeout: unknown, keys: readonly string[], logger: Logger): number | undefined {
  if (timeout === undefined) return undefined;
  if (timeout === Infinity) return Infinity;
  if (typeof timeout !== "number" || !(timeout < 1) || timeout === -Infinity)
    return parseDuration(timeout, "timeout", keys);
  if (timeout > 0 && !warned.has(logger)) {
    warned.add(logger);
    const meant = Number((timeout * 1_000).toPrecision(6));
    logger.warn(
      `timeout: ${timeout} is below 1 second and means the default; write "${meant}ms" to wait that long`,
    );
  }
  return undefined;
}

function checkLimit(limit: unknown, keys: readonly string[]): number {
  if (limit === undefined) return 1;
  if (limit === Infinity || (Number.isSafeInteger(limit) && (limit as number) >= 1)) return limit as number;
  throw invalid(
    `limit must be a whole number from 1 up, or Infinity for a shared lock; got ${describe(limit)}`,
    keys,
  );
}

function checkSignal(signal: unknown, keys: readonly string[]): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalid("signal must be an AbortSignal", keys);
}

function invalid(message: string, keys: readonly string[]): LockError {
  return new LockError("LOCK_INVALID_ARGUMENT", message, { keys });
}
