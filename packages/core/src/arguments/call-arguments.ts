import { LockError } from "../contract/errors.ts";
import type { AcquireArgs, ExecuteArgs } from "../contract/locking.ts";
import type { Logger } from "../contract/logger.ts";
import type { CleanAcquireArgs, CleanExecuteArgs } from "../contract/provider.ts";
import { parseDuration } from "./duration.ts";
import { checkOwnerId } from "./keys.ts";

const defaults: CleanExecuteArgs = { timeout: undefined, expire: undefined, limit: 1, signal: undefined };

/** The arguments of `execute`, checked, in milliseconds. */
export function checkExecuteArgs(args: ExecuteArgs | undefined, logger: Logger): CleanExecuteArgs {
  if (args === undefined) return defaults;
  return {
    timeout: checkTimeout(args.timeout, logger),
    expire: args.expire === undefined ? undefined : parseDuration(args.expire, "expire"),
    limit: checkLimit(args.limit),
    signal: checkSignal(args.signal),
  };
}

/** The arguments of `acquire`, checked, in milliseconds. */
export function checkAcquireArgs(args: AcquireArgs | undefined, logger: Logger): CleanAcquireArgs {
  const { ownerId, awaitQueue } = args ?? {};
  if (awaitQueue !== undefined && typeof awaitQueue !== "boolean") {
    throw invalid(`awaitQueue must be true or false; got ${String(awaitQueue)}`);
  }
  return {
    ...checkExecuteArgs(args, logger),
    ownerId: checkOwnerId(ownerId),
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

function checkTimeout(timeout: unknown, logger: Logger): number | undefined {
  if (timeout === undefined) return undefined;
  if (timeout === Infinity) return Infinity;
  if (typeof timeout !== "number" || !(timeout < 1) || timeout === -Infinity)
    return parseDuration(timeout, "timeout");
  if (timeout > 0 && !warned.has(logger)) {
    warned.add(logger);
    logger.warn(
      `timeout: ${timeout} is below 1 second and means the default; write "${timeout * 1_000}ms" to wait that long`,
    );
  }
  return undefined;
}

function checkLimit(limit: unknown): number {
  if (limit === undefined) return 1;
  if (limit === Infinity || (Number.isSafeInteger(limit) && (limit as number) >= 1)) return limit as number;
  throw invalid(
    `limit must be a whole number from 1 up, or Infinity for a shared lock; got ${String(limit)}`,
  );
}

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalid("signal must be an AbortSignal");
}

function invalid(message: string): LockError {
  return new LockError("LOCK_INVALID_ARGUMENT", message);
}
