/** The codes of `LockError`. They do not change between major versions; messages may. */
export type LockErrorCode =
  | "LOCK_NOT_ACQUIRED"
  | "LOCK_TIMEOUT"
  | "LOCK_LOST"
  | "LOCK_REENTRANT"
  | "LOCK_UNAVAILABLE"
  | "LOCK_UNSUPPORTED"
  | "LOCK_INVALID_ARGUMENT"
  | "LOCK_CONFIG"
  | "LOCK_CLOSED";

export interface LockErrorOptions {
  /** The keys of the call that failed. Default: none. */
  readonly keys?: readonly string[] | undefined;
  /** What went wrong underneath, where something did. */
  readonly cause?: unknown;
}

// In the registry of symbols, so that a copy of this package loaded twice still knows the other's errors.
const brand = Symbol.for("@lock/core:LockError");

/** Every failure that this library reports. Tell them apart by `code`; see `docs/errors.md` for what to do about each. */
export class LockError extends Error {
  readonly code: LockErrorCode;
  readonly keys: readonly string[];

  static {
    Object.defineProperty(this.prototype, brand, { value: true });
    // On the prototype, as the errors of the language have it: there before the stack is written, and not listed as a member.
    Object.defineProperty(this.prototype, "name", { value: "LockError", configurable: true, writable: true });
  }

  constructor(code: LockErrorCode, message: string, options: LockErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.keys = options.keys ?? [];
  }
}

/**
 * Exclusivity could no longer be assumed: `lock.signal` aborts with it, `assertHeld()` throws it, and `execute` rejects
 * with it whatever the job did (an error of the job's is its `cause`).
 */
export class LockLostError extends LockError {
  static {
    Object.defineProperty(this.prototype, "name", {
      value: "LockLostError",
      configurable: true,
      writable: true,
    });
  }

  constructor(message: string, options: LockErrorOptions = {}) {
    super("LOCK_LOST", message, options);
  }
}

/** Whether `error` is a `LockError` (with this `code`, if one is given), also one of another copy of this package. */
export function isLockError(error: unknown, code?: LockErrorCode): error is LockError {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || (error as { code?: unknown }).code === code;
}
