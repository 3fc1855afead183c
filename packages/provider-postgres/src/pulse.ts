import type { Logger } from "@lock/core";
import type { Rows } from "./rows.ts";
import type { SessionLocks } from "./sessions/session-locks.ts";
import type { Transactions } from "./transactions.ts";
import type { WaitingClaims } from "./waiting-claims.ts";

/** Milliseconds. A key whose holder died passes on within a second, what the statements take included. */
const interval = 500;

export interface PulseOptions {
  readonly rows: Rows;
  readonly sessions: SessionLocks | undefined;
  readonly waiting: WaitingClaims;
  readonly transactions: Transactions;
  readonly logger: Logger;
}

/**
 * What has to be looked at because nobody tells: whether the holders that our claims wait for are dead, whether the transactions that ours were bound
 * to are over, and whether our own sessions are still there. One statement for all claims of the instance, and none while nobody waits.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #looking = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#beat(), interval);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    // The process was stopped, or busy.
    const late = now - this.#last > 2 * interval;
    this.#last = now;
    this.#options.sessions?.check(now, late);
    if (this.#looking) return;
    this.#looking = true;
    this.#look()
      .catch((error: unknown) =>
        this.#options.logger.debug(`Looking for dead holders failed: ${String(error)}`),
      )
      .finally(() => {
        this.#looking = false;
      });
  }

  async #look(): Promise<void> {
    const { rows, waiting, transactions } = this.#options;
    if (transactions.size > 0) await transactions.look(rows);
    if (waiting.size > 0) await rows.look(waiting.keys());
  }
}
