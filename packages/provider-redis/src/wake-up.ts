import { isLockError, LockError } from "@lock/core";
import type { Logger } from "@lock/core";
import { DISCONNECT_TIMEOUT, reconnectPause, type RedisClient } from "./client.ts";
import { endClient, FIRST_CONTACT } from "./connection.ts";
import { asFailure, isRefusal } from "./failures.ts";
import { type Heard, tellEvents } from "./message.ts";

/** How often the server is asked whether it is still there, and in how many milliseconds it must say so. */
const LOOK_INTERVAL = 5_000;
const PATIENCE = 5_000;

/**
 * The one connection on which a process hears that its waiters' turns have come: a channel of its own, so that a release
 * wakes the next waiter and nobody else.
 */
export class WakeUp {
  readonly #subscriber: RedisClient;
  readonly #channels: readonly string[];
  readonly #events: Heard;
  readonly #logger: Logger;
  readonly #name: string;
  #begun: { resolve: () => void; reject: (error: unknown) => void } | null = null;
  #listened = false;
  #lastError: Error | null = null;
  #looks: NodeJS.Timeout | undefined;
  /** Since when, by the monotonic clock, nothing is missed; `null`: it does not listen. */
  listeningSince: number | null = null;

  constructor(client: RedisClient, channels: readonly string[], id: string, events: Heard, logger: Logger) {
    this.#channels = channels;
    this.#events = events;
    this.#logger = logger;
    this.#name = `Wake-up connection in "${id}" provider`;
    this.#subscriber = client.duplicate({
      lazyConnect: true,
      // Subscribed here, where it is known when it is done: what was published before that was missed.
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      retryStrategy: reconnectPause,
      sentinelRetryStrategy: reconnectPause,
      enableOfflineQueue: true,
      disconnectTimeout: DISCONNECT_TIMEOUT,
      keyPrefix: "",
      // Silence is the normal state of this connection, but for an answer.
      socketTimeout: PATIENCE,
      commandTimeout: undefined,
    });
  }

  /** Resolves when it listens. */
  async open(): Promise<void> {
    this.#subscriber.on("ready", this.#onReady);
    this.#subscriber.on("message", this.#onMessage);
    this.#subscriber.on("close", this.#onClose);
    this.#subscriber.on("error", this.#onError);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#begun = { resolve, reject };
        timer = setTimeout(() => reject(this.#lastError ?? new Error("no answer")), FIRST_CONTACT);
        this.#subscriber.connect().catch(() => {});
      });
    } catch (cause) {
      const refusal = asFailure(cause);
      if (isLockError(refusal)) throw refusal;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LockError("LOCK_UNAVAILABLE", `Redis could not be subscribed to for wake-ups: ${why}`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
      this.#begun = null;
    }
    this.#looks = setInterval(this.#look, LOOK_INTERVAL).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#looks);
    this.#begun?.reject(new Error("The provider was closed"));
    this.#subscriber.off("ready", this.#onReady);
    this.#subscriber.off("message", this.#onMessage);
    this.#subscriber.off("close", this.#onClose);
    this.listeningSince = null;
    await endClient(this.#subscriber);
    this.#subscriber.off("error", this.#onError);
  }

  readonly #onReady = (): void => {
    this.#subscriber.call("subscribe", [...this.#channels]).then(
      () => {
        this.listeningSince = performance.now();
        if (this.#listened) {
          this.#logger.debug(`${this.#name} re-established`);
          this.#events.wakeAll();
        }
        this.#listened = true;
        this.#begun?.resolve();
      },
      (error: unknown) => {
        // Cut again: the next "ready" subscribes.
        if (!isRefusal(error)) return;
        if (this.#begun) this.#begun.reject(error);
        else this.#logger.warn(`${this.#name} is refused, so waiters are slow to hear: ${error.message}`);
      },
    );
  };

  /**
   * Who only listens would never find out that the other end is gone (a dropped NAT entry), and silence is what such entries are dropped
   * for. To subscribe again changes nothing, and needs no right that it has not.
   */
  readonly #look = (): void => {
    if (this.listeningSince !== null) this.#subscriber.call("subscribe", [...this.#channels]).catch(() => {});
  };

  readonly #onClose = (): void => {
    this.listeningSince = null;
  };

  readonly #onMessage = (_channel: string, message: string): void => {
    tellEvents(this.#events, message);
  };

  readonly #onError = (error: Error): void => {
    this.#lastError = error;
    this.#logger.debug(`${this.#name}: ${error.message}`);
  };
}
