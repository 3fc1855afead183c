import { LockError } from "../contract/errors.ts";

const MAXIMUM_BYTES = 1_024;
// UTF-8 takes at most three bytes for each UTF-16 code unit, so that shorter texts need no measuring.
const CERTAINLY_SHORT = Math.floor(MAXIMUM_BYTES / 3);

/**
 * The keys of a call as a list without repeats, in the order given.
 *
 * @throws {LockError} `LOCK_INVALID_ARGUMENT`.
 */
export function checkKeys(keys: unknown): readonly string[] {
  if (typeof keys === "string") return [checkName(keys, "A key")];
  if (!Array.isArray(keys)) throw invalid(`Keys must be a string or an array of strings; got ${typeof keys}`);
  if (keys.length === 0) throw invalid("At least one key is needed; got an empty array");
  if (keys.length === 1) return [checkName(keys[0], "A key")];
  const unique = new Set<string>();
  // By index: the holes of a sparse array are no keys either.
  for (let index = 0; index < keys.length; index += 1) unique.add(checkName(keys[index], "A key"));
  return [...unique];
}

/**
 * The owner of a call; `null` is none.
 *
 * @throws {LockError} `LOCK_INVALID_ARGUMENT`.
 */
export function checkOwnerId(ownerId: unknown, keys: readonly string[]): string | null {
  if (ownerId === undefined || ownerId === null) return null;
  return checkName(ownerId, "ownerId", keys);
}

function checkName(name: unknown, what: string, keys: readonly string[] = []): string {
  if (typeof name !== "string")
    throw invalid(`${what} must be a string; got ${name === null ? "null" : typeof name}`, keys);
  if (name === "") throw invalid(`${what} must not be empty`, keys);
  if (name.includes("\0"))
    throw invalid(`${what} must not contain NUL; got ${JSON.stringify(name.slice(0, 80))}`, keys);
  if (!name.isWellFormed()) {
    throw invalid(
      `${what} must be well-formed Unicode, without lone surrogates; got ${JSON.stringify(name.slice(0, 80))}`,
      keys,
    );
  }
  if (name.length > CERTAINLY_SHORT && Buffer.byteLength(name) > MAXIMUM_BYTES) {
    throw invalid(
      `${what} may take at most ${MAXIMUM_BYTES} bytes of UTF-8; this one takes ${Buffer.byteLength(name)}`,
      keys,
    );
  }
  return name;
}

function invalid(message: string, keys: readonly string[] = []): LockError {
  return new LockError("LOCK_INVALID_ARGUMENT", message, { keys });
}
