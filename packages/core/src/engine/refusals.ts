import { describe } from "../arguments/describe.ts";
import { isLockError, LockError, LockLostError } from "../contract/errors.ts";

/** `key "a"`, or `key "a", "b" and 3 more`: what messages call the keys of a call. */
export function nameKeys(keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map((key) => JSON.stringify(key));
  const more = keys.length - shown.length;
  return `key ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

export function notAcquired(keys: readonly string[], ownerId: string | null): LockError {
  const by = ownerId === null ? "" : ` by ${JSON.stringify(ownerId)}`;
  const message = `Failed to acquire lock for ${nameKeys(keys)}: held or waited for${by}. Pass awaitQueue: true to wait for it`;
  return new LockError("LOCK_NOT_ACQUIRED", message, { keys });
}

export function timedOut(keys: readonly string[], timeout: number): LockError {
  const message = `Timed-out acquiring lock for ${nameKeys(keys)} after ${timeout} ms`;
  return new LockError("LOCK_TIMEOUT", message, { keys });
}

/** What went wrong with the backend, as a LockError: its own words where it has a code already. */
export function unavailable(name: string, doing: string, keys: readonly string[], cause: unknown): LockError {
  if (isLockError(cause)) return new LockError(cause.code, cause.message, { keys, cause: cause.cause });
  const what = keys.length > 0 ? `${doing} ${nameKeys(keys)}` : doing;
  const why = cause instanceof Error ? cause.message : cause === undefined ? "no answer" : describe(cause);
  const message = `The backend of "${name}" could not be asked (${what}): ${why}`;
  return new LockError("LOCK_UNAVAILABLE", message, { keys, cause });
}

export function closed(name: string, keys: readonly string[] = []): LockError {
  return new LockError("LOCK_CLOSED", `The locking service is closed ("${name}")`, { keys });
}

export function lost(keys: readonly string[], why: string, cause?: unknown): LockLostError {
  return new LockLostError(`Lost the lock for ${nameKeys(keys)}: ${why}`, { keys, cause });
}

export function unsupported(name: string, what: string, keys: readonly string[]): LockError {
  return new LockError("LOCK_UNSUPPORTED", `The provider "${name}" does not offer ${what}`, { keys });
}

export function unbound(name: string, keys: readonly string[] = []): LockError {
  return unsupported(
    name,
    "releasing with a transactionManager: what a transaction holds is free when it ends",
    keys,
  );
}
