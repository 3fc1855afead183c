import { LockError } from "@lock/core";
import type { Logger } from "@lock/core";
import { checkSource, ownClient, type ClientSource, type RedisClient } from "./client.ts";
import { asFailure, isRefusal, isScriptMissing } from "./failures.ts";
import type { Script, ScriptCall } from "./script.ts";

/** Milliseconds in which a server must answer at first; the service gives a provider 8 s in all. */
export const FIRST_CONTACT = 6_000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The connection that scripts run on. A request is sent on a connection that stands, or not at all: one that waited in the
 * client's own queue for a server to come back would be carried out long after its caller was told that it failed. And it
 * fails when the connection is cut, whatever the client then does about it.
 */
export class Connection {
  readonly client: RedisClient;
  readonly #own: boolean;
  readonly #callTimeout: number;
  readonly #unanswered = new Set<Pending>();
  readonly #standby = new Set<Pending>();
  #logger: Logger | null = null;
  #name = "";
  #open = false;
  #stood = false;
  #lastError: Error | null = null;

  constructor(source: ClientSource, callTimeout: number) {
    checkSource(source);
    this.#own = source.client === undefined;
    this.#callTimeout = callTimeout;
    this.client = source.client ?? ownClient(source, callTimeout);
  }

  /** Whether the client may by itself send again what was unanswered when its connection was cut. */
  get resends(): boolean {
    return !this.#own && this.client.options.autoResendUnfulfilledCommands !== false;
  }

  /** @throws {LockError} `LOCK_UNAVAILABLE` when the server can't be reached or refuses. */
  async open(id: string, logger: Logger, scripts: readonly Script[]): Promise<void> {
    this.#logger = logger;
    this.#name = `Connection to Redis in "${id}" provider`;
    this.#open = true;
    this.client.on("ready", this.#onReady);
    this.client.on("close", this.#onClose);
    this.client.on("end", this.#onEnd);
    this.client.on("error", this.#onError);
    try {
      await this.#standing(FIRST_CONTACT);
      // So that the first lock takes one command. A server that forbids it is asked with the whole text.
      await Promise.all(scripts.map(({ text }) => this.#send("script", ["LOAD", text]))).catch(
        (error: unknown) => {
          if (!isRefusal(error)) throw error;
        },
      );
    } catch (error) {
      const cause = this.#lastError ?? error;
      const refusal = asFailure(cause);
      if (refusal instanceof LockError) throw refusal;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LockError("LOCK_UNAVAILABLE", `Redis at ${this.#address()} could not be reached: ${why}`, {
        cause,
      });
    } finally {
      // The application's client reports its errors to the application.
      if (!this.#own) this.client.off("error", this.#onError);
    }
  }

  async run({ script, keys, args }: ScriptCall): Promise<unknown> {
    try {
      if (this.client.status !== "ready") await this.#standing(this.#callTimeout);
      try {
        return await this.#send("evalsha", [script.sha, keys.length, ...keys, ...args]);
      } catch (error) {
        if (!isScriptMissing(error)) throw error;
        return await this.#send("eval", [script.text, keys.length, ...keys, ...args]);
      }
    } catch (error) {
      throw asFailure(error);
    }
  }

  /** Any other command. */
  async command(name: string, args: (string | number)[]): Promise<unknown> {
    return this.#send(name, args);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#fail(new Error("The provider was closed"));
    this.client.off("ready", this.#onReady);
    this.client.off("close", this.#onClose);
    this.client.off("end", this.#onEnd);
    if (this.#own) await endClient(this.client);
    this.client.off("error", this.#onError);
  }

  #send(command: string, args: (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const pending = { resolve, reject };
      this.#unanswered.add(pending);
      this.client.call(command, args).then(
        (reply) => {
          this.#unanswered.delete(pending);
          resolve(reply);
        },
        (error: unknown) => {
          this.#unanswered.delete(pending);
          reject(error);
        },
      );
    });
  }

  /** Resolves when the connection stands. */
  async #standing(within: number): Promise<void> {
    const { client } = this;
    if (client.status === "ready") return;
    if (!this.#open) throw new Error("The provider is not connected");
    if (client.status === "end" && !this.#own) throw clientClosed();
    if (client.status === "wait" || client.status === "end") client.connect().catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const pending: { current?: Pending } = {};
    try {
      await new Promise((resolve, reject) => {
        pending.current = { resolve, reject };
        this.#standby.add(pending.current);
        timer = setTimeout(
          () => reject(this.#lastError ?? new Error(`no connection within ${within} ms`)),
          within,
        );
      });
    } finally {
      clearTimeout(timer);
      if (pending.current) this.#standby.delete(pending.current);
    }
  }

  readonly #onReady = (): void => {
    this.#lastError = null;
    if (this.#stood) this.#logger?.debug(`${this.#name} re-established`);
    this.#stood = true;
    for (const pending of this.#standby) pending.resolve(undefined);
  };

  readonly #onClose = (): void => {
    const error = new Error("The connection to Redis was cut");
    if (this.#stood) this.#logger?.debug(`${this.#name} lost`);
    for (const pending of this.#unanswered) pending.reject(error);
    this.#unanswered.clear();
  };

  readonly #onEnd = (): void => {
    if (!this.#own) this.#fail(clientClosed());
  };

  readonly #onError = (error: Error): void => {
    this.#lastError = error;
    this.#logger?.debug(`${this.#name}: ${error.message}`);
    // A refusal of the password is no better the next time.
    if (asFailure(error) !== error) for (const pending of this.#standby) pending.reject(error);
  };

  #fail(error: Error): void {
    for (const pending of [...this.#unanswered, ...this.#standby]) pending.reject(error);
    this.#unanswered.clear();
  }

  #address(): string {
    const { path, host, port } = this.client.options;
    return path ?? `${host ?? "localhost"}:${port ?? 6379}`;
  }
}

function clientClosed(): LockError {
  return new LockError(
    "LOCK_UNAVAILABLE",
    "The Redis client that was handed to redisProvider is closed: keep it open for as long as locks are used",
  );
}

/** Ends a client of the provider's own, and resolves when its socket is gone. */
export async function endClient(client: RedisClient): Promise<void> {
  if (client.status === "end") return;
  await new Promise<void>((resolve) => {
    const onEnd = (): void => {
      client.off("end", onEnd);
      resolve();
    };
    client.on("end", onEnd);
    // Between two tries there is no socket whose end could be told.
    const between = client.status === "reconnecting";
    client.disconnect();
    if (between) onEnd();
  });
}
