import { isLockError, LockError } from "../contract/errors.ts";
import type { Logger } from "../contract/logger.ts";
import type { Provider } from "../contract/provider.ts";

/** Milliseconds that a backend may take to be reached; with closing again it stays within the 10 s of the contract. */
const CONNECT_TIMEOUT = 8_000;

/** A provider under the id it is registered with, and whether it is connected. */
export class Registered {
  /** `lp_{id}`. */
  readonly name: string;
  readonly provider: Provider;
  readonly #id: string;
  readonly #logger: Logger;
  #connecting: Promise<void> | null = null;
  connected = false;

  constructor(id: string, provider: Provider, logger: Logger) {
    this.#id = id;
    this.name = `lp_${id}`;
    this.provider = provider;
    this.#logger = logger;
  }

  /** Connects once; after a failure the next call tries again. */
  connect(): Promise<void> {
    this.#connecting ??= this.#connect().catch((error: unknown) => {
      this.#connecting = null;
      throw error;
    });
    return this.#connecting;
  }

  close(drain: number): Promise<void> {
    return this.provider.close(drain);
  }

  async #connect(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(reject, CONNECT_TIMEOUT, new Error(`no answer within ${CONNECT_TIMEOUT} ms`));
    });
    try {
      await Promise.race([this.provider.connect({ id: this.#id, logger: this.#logger }), overdue]);
      this.connected = true;
    } catch (cause) {
      if (isLockError(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LockError("LOCK_UNAVAILABLE", `The backend of "${this.name}" could not be reached: ${why}`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
