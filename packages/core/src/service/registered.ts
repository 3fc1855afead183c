import { isLockError, LockError } from "../contract/errors.ts";
import type { Logger } from "../contract/logger.ts";
import type { Provider } from "../contract/provider.ts";
import { within } from "./within.ts";

/** Milliseconds that a backend may take to be reached; with closing again it stays within the 10 s of the contract. */
const CONNECT_TIMEOUT = 8_000;

/** A provider under the id it is registered with, and whether it is connected. */
export class Registered {
  /** `lp_{id}`. */
  readonly name: string;
  readonly provider: Provider;
  readonly #id: string;
  readonly #logger: Logger;
  #attempt: Promise<void> | null = null;
  connected = false;

  constructor(id: string, provider: Provider, logger: Logger) {
    this.#id = id;
    this.name = `lp_${id}`;
    this.provider = provider;
    this.#logger = logger;
  }

  /**
   * Connects once. After a failure the next call tries again; while an attempt goes on, it joins that one. `keys`: those of the
   * call that needs it; `timeout`: the milliseconds that this call waits, where it does.
   */
  async connect(keys: readonly string[] = [], timeout: number = Infinity): Promise<void> {
    const attempt = (this.#attempt ??= this.#begin());
    try {
      const allowed = Math.min(timeout, CONNECT_TIMEOUT);
      await within(allowed, attempt, `no answer within ${allowed} ms`);
    } catch (cause) {
      if (isLockError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LockError("LOCK_UNAVAILABLE", `The backend of "${this.name}" could not be reached: ${why}`, {
        keys,
        cause,
      });
    }
  }

  /** Never fails: what can't be closed is logged. */
  async close(drain: number): Promise<void> {
    try {
      await this.provider.close(drain);
    } catch (error) {
      this.#logger.warn(`Closing "${this.name}" failed: ${String(error)}`);
    }
  }

  #begin(): Promise<void> {
    const attempt = this.#connect();
    attempt.catch(() => (this.#attempt = null));
    return attempt;
  }

  async #connect(): Promise<void> {
    await this.provider.connect({ id: this.#id, logger: this.#logger });
    this.connected = true;
  }
}
