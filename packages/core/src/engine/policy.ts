/** The times that an engine goes by, in milliseconds. */
export interface Policy {
  /** How long a call waits that names no `timeout`. */
  waitTimeout: number;
  /** The lease of `execute` where it names no `expire`. */
  lease: number;
  /** How long the backend may take to answer one request. */
  callTimeout: number;
  /** The first pause between two tries of a waiter that isn't woken by push. */
  firstPause: number;
  /** The longest such pause. */
  longestPause: number;
}

export const defaultPolicy: Readonly<Policy> = {
  waitTimeout: 5_000,
  lease: 30_000,
  callTimeout: 5_000,
  firstPause: 5,
  longestPause: 200,
};

/** How often a call that doesn't wait asks a backend that fails to answer. */
export const ASKS_WITHOUT_WAITING = 3;

/** An ask that has gone unanswered this long when time is up: the backend could not be asked. */
export const SILENCE = 1_000;

/** How long the end of a waiting call is held back for the answer to its withdrawal. */
export const WITHDRAWAL_GRACE = 200;
