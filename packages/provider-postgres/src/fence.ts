import { LockError, LockLostError } from "@lock/core";

/** What a guarded write is made under: a lock, or a token that was handed on from one. */
export type Fence = bigint | { readonly fencingToken: bigint; readonly keys?: readonly string[] };

export const defaultColumn = "fencing_token";

/** @throws {LockError} `LOCK_INVALID_ARGUMENT` where it is neither a lock nor a token. */
export function tokenOf(fence: Fence): bigint {
  const token: unknown = typeof fence === "object" ? fence?.fencingToken : fence;
  if (typeof token === "bigint") return token;
  throw new LockError("LOCK_INVALID_ARGUMENT", "A guarded write needs a lock, or its fencingToken, a bigint");
}

/** @param newest - the token under which it was written last, where that is known. */
export function staleWrite(fence: Fence, table: string, newest?: string): LockLostError {
  const later = newest === undefined ? "a later token" : `the later token ${newest}`;
  return new LockLostError(
    `Lost the lock before this write: ${table} was written under ${later}, this write has ${tokenOf(fence)}`,
    typeof fence === "object" && fence.keys !== undefined ? { keys: fence.keys } : {},
  );
}
