import { LockError } from "@lock/core";

export interface HandoffTerms {
  /** How often a lock may go to one of the same process while others wait for it. Default: 16. */
  readonly turns?: number | undefined;
  /** For how many milliseconds it may. Default: 10. */
  readonly ms?: number | undefined;
}

/** What is allowed while others are known to wait: so many turns, within so many milliseconds. */
export interface Terms {
  readonly turns: number;
  readonly ms: number;
}

/** Others go first. */
export const STRICT: Terms = { turns: 0, ms: 0 };

/**
 * @returns `null`: nothing is handed on inside the process.
 * @throws {LockError} `LOCK_CONFIG`.
 */
export function checkHandoff(option: boolean | HandoffTerms | undefined): Terms | null {
  if (option === false) return null;
  if (option === undefined || option === true) return STRICT;
  if (typeof option === "object" && option !== null) {
    const { turns = 16, ms = 10 } = option;
    if (Number.isInteger(turns) && turns >= 1 && Number.isFinite(ms) && ms > 0) return { turns, ms };
  }
  throw new LockError(
    "LOCK_CONFIG",
    "redisProvider needs handoff to be true, false or { turns, ms } with turns a whole number from 1 and ms a number above 0",
  );
}
