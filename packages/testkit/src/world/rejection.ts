import { isLockError, type LockError, type LockErrorCode } from "@lock/core";
import { AssertionError } from "node:assert/strict";

/** What `promise` rejects with; fails when it does not reject. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (reason) {
    return reason;
  }
  throw new AssertionError({ message: "Expected a rejection, not a result", actual: value });
}

/** The `LockError` that `promise` rejects with; fails when it has another code, or does not reject. */
export async function refusal(code: LockErrorCode, promise: PromiseLike<unknown>): Promise<LockError> {
  return lockError(code, await rejection(promise));
}

/** `reason` as the `LockError` that it must be. */
export function lockError(code: LockErrorCode, reason: unknown): LockError {
  if (isLockError(reason, code)) return reason;
  const seen = isLockError(reason) ? `${reason.code} (${reason.message})` : String(reason);
  throw new AssertionError({ message: `Expected ${code}, not ${seen}`, actual: reason, expected: code });
}
