import { LockError } from "@lock/core";
import type { Logger } from "@lock/core";
import { type AnyClient, ownClient, type RedisClient } from "./client.ts";
import { ownCluster, type RedisClusterClient } from "./cluster-client.ts";
import { asFailure, isRefusal, isScriptMissing } from "./failures.ts";
import type { Script, ScriptCall } from "./script.ts";
import { type ClientSource, isCluster } from "./source.ts";

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
  readonly client: RedisClient | RedisClusterClient;
  /** Grows whenever another server, or the same one after a restart, may have come to stand at the other end. */
  standing = 0;
  readonly #cluster: RedisClusterClient | null;
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
    const { client, redisCluster } = source;
    const cluster = redisCluster ?? (client && isCluster(client) ? client : undefined);
    this.#cluster = cluster ? ownCluster(cluster, callTimeout) : null;
    this.#own = this.#cluster !== null || client === undefined;
    this.#callTimeout = callTimeout;
    this.client = this.#cluster ?? client ?? ownClient(source, callTimeout);
  }

  /** Whether it leads to a cluster. */
  get cluster(): boolean {
    return this.#cluster !== null;
  }

  /** The database and the prefix for keys, where they are not the usual ones. */
  get place(): string {
    if (this.client.isCluster) return "";
    const { db, keyPrefix = "" } = (this.client as RedisClient).options;
    return db || keyPrefix ? `${db ?? 0} ${keyPrefix}` : "";
  }

  /** Whether the client may by itself send again what was unanswered when its connection was cut. */
  get resends(): boolean {
    if (this.#own || this.client.isCluster) return false;
    return (this.client as RedisClient).options.autoResendUnfulfilledCommands !== false;
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
    this.#cluster?.on("node error", this.#onError);
    this.#cluster?.on("+node", this.#onNode);
    try {
      await this.#standing(FIRST_CONTACT);
      // So that the first lock takes one command. A server that forbids it is asked with the whole text.
      const loads = this.#servers().flatMap((server) =>
        scripts.map(({ text }) => server.call("script", ["LOAD", text])),
      );
      await this.#bounded(Promise.all(loads)).catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
      });
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

  /** `onlyAt`: the standing on which the server was made sure of. Should another have come since, nothing is sent. */
  run(call: ScriptCall, onlyAt: number | null = null): Promise<unknown> {
    const stands = this.client.status === "ready" && (onlyAt === null || onlyAt === this.standing);
    return stands ? this.#evaluate(call) : this.#runWhenStanding(call, onlyAt);
  }

  async #runWhenStanding(call: ScriptCall, onlyAt: number | null): Promise<unknown> {
    try {
      if (this.client.status !== "ready") await this.#standing(this.#callTimeout);
      if (onlyAt !== null && onlyAt !== this.standing)
        throw new Error("The connection was made anew meanwhile");
    } catch (error) {
      throw asFailure(error);
    }
    return this.#evaluate(call);
  }

  #evaluate({ script, keys, args }: ScriptCall): Promise<unknown> {
    const answer = this.client.call("evalsha", [script.sha, keys.length, ...keys, ...args]);
    return this.#bounded(answer, async (error) => {
      if (!isScriptMissing(error)) throw asFailure(error);
      try {
        return await this.#send("eval", [script.text, keys.length, ...keys, ...args]);
      } catch (refusal) {
        throw asFailure(refusal);
      }
    });
  }

  get closed(): boolean {
    return !this.#open;
  }

  get ready(): boolean {
    return this.client.status === "ready";
  }

  /** Resolves when it stands, if it does soon. */
  async stands(): Promise<void> {
    if (!this.ready) await this.#standing(this.#callTimeout);
  }

  /** What one server answers, or of a cluster each master. */
  async ask(name: string, args: (string | number)[]): Promise<unknown[]> {
    return this.#bounded(Promise.all(this.#servers().map((server) => server.call(name, args))));
  }

  /** A command that names a key. */
  async command(name: string, args: (string | number)[]): Promise<unknown> {
    return this.#send(name, args);
  }

  /** Commands that all go the same way, one right after the other: to the server that has the keys of the first. */
  async inOneGo(commands: (string | number)[][]): Promise<unknown[]> {
    if (this.client.status !== "ready") await this.#standing(this.#callTimeout);
    const replies = (await this.#bounded(this.client.pipeline(commands).exec())) ?? [];
    return replies.map(([error, reply]) => {
      if (error) throw asFailure(error);
      return reply;
    });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#fail(new Error("The provider was closed"));
    this.client.off("ready", this.#onReady);
    this.client.off("close", this.#onClose);
    this.client.off("end", this.#onEnd);
    this.#cluster?.off("+node", this.#onNode);
    if (this.#own) await endClient(this.client);
    this.client.off("error", this.#onError);
    this.#cluster?.off("node error", this.#onError);
  }

  #servers(): Pick<RedisClient, "call">[] {
    return this.#cluster ? this.#cluster.nodes("master") : [this.client];
  }

  #send(command: string, args: (string | number)[]): Promise<unknown> {
    return this.#bounded(this.client.call(command, args));
  }

  /** Fails when the connection is cut. `instead`: what to do about an error that was answered; default: that is how it ends. */
  #bounded<T>(answer: Promise<T>, instead?: (error: unknown) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = { resolve: resolve as Pending["resolve"], reject };
      this.#unanswered.add(pending);
      answer.then(
        (reply) => {
          this.#unanswered.delete(pending);
          resolve(reply);
        },
        (error: unknown) => {
          // Who asked was told of the cut already: nobody is left to hear of what the client makes of it.
          if (!this.#unanswered.delete(pending)) return;
          if (instead === undefined) reject(error);
          else resolve(instead(error));
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

  /** A replica is asked for nothing; one that is promoted says so itself, by not knowing who used the counter last. */
  readonly #onNode = (node: unknown): void => {
    const { options } = node as { options?: { readOnly?: boolean } };
    if (options?.readOnly !== true) this.standing += 1;
  };

  readonly #onReady = (): void => {
    this.standing += 1;
    this.#lastError = null;
    if (this.#stood) this.#logger?.debug(`${this.#name} re-established`);
    this.#stood = true;
    for (const pending of this.#standby) pending.resolve(undefined);
  };

  readonly #onClose = (): void => {
    // Here already: the client is ready a little before it says so, and others may hear of it before this.
    this.standing += 1;
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
    if (this.#cluster) return "the nodes of the cluster";
    const { path, host, port } = (this.client as RedisClient).options;
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
export async function endClient(client: AnyClient): Promise<void> {
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
