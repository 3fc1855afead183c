import pg from "pg";
import type { PoolClient } from "pg";
import type { ConnectionSettings } from "./connection-settings.ts";
import { cut } from "./farewell.ts";
import { explained, spoilsConnection } from "./failures.ts";
import type { Call, Row } from "./operations/request.ts";
import { readServer, serverStatement, type Server } from "./pooler.ts";
import { beginStatement, sessionStatement, settingNames } from "./session.ts";
import { sendCall } from "./statement.ts";

export interface ConnectionOptions {
  readonly settings: ConnectionSettings;
  /** The most connections for statements. */
  readonly connections: number;
  /** Milliseconds that a statement, and the opening of a connection, may take. */
  readonly callTimeout: number;
}

/** A call that is kept under no name. */
const unnamed = (text: string): Call => ({ name: "", text, values: [] });

/** Our own few connections. Nobody else's statements wait for them, and ours for nobody's. */
export class Connection {
  readonly #pool: pg.Pool;
  readonly #callTimeout: number;
  readonly #servers = new WeakMap<PoolClient, Server>();
  readonly #busy = new Set<PoolClient>();
  // Whose connection has not ended, also when the pool has done with them.
  readonly #clients = new Set<PoolClient>();
  #closing: Promise<void> | undefined;
  #server: Server | undefined;

  constructor({ settings, connections, callTimeout }: ConnectionOptions) {
    this.#callTimeout = callTimeout;
    this.#pool = new pg.Pool({
      ...settings.config,
      Client: settings.Client,
      max: connections,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: callTimeout,
    });
    // An idle connection was cut. The pool has dropped it already and opens another when one is needed.
    this.#pool.on("error", () => {});
    // One that is busy. What is under way on it is rejected as well; without a listener the process would end. From the moment it is open: the
    // server may have said in the same breath that it ends it.
    this.#pool.on("connect", (client) => {
      client.on("error", () => {});
      this.#clients.add(client);
      client.once("end", () => this.#clients.delete(client));
    });
  }

  /** Opens all of them, so that no call has to wait for that later. One is enough: the others may follow when they are needed. */
  async open(): Promise<void> {
    const opening = Array.from({ length: this.#pool.options.max }, () => this.query(unnamed("SELECT")));
    const outcomes = await Promise.allSettled(opening);
    if (outcomes.every(({ status }) => status === "rejected")) await opening[0];
  }

  /** @throws {LockError} for a refusal; anything else as the client throws it. */
  async query(call: Call): Promise<readonly Row[]> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw explained(error);
    }
    this.#busy.add(client);
    let spoiled = false;
    try {
      const server = this.#servers.get(client) ?? (await this.#meet(client));
      return server.pooled ? await this.#queryAlone(client, server, call) : await this.#send(client, call);
    } catch (error) {
      spoiled = spoilsConnection(error);
      throw explained(error);
    } finally {
      if (this.#busy.delete(client)) client.release(spoiled);
    }
  }

  /** What the last connection that was opened said of its server, once `open` has resolved. */
  get server(): Server {
    if (this.#server === undefined) throw new Error("No connection was opened yet");
    return this.#server;
  }

  async #meet(client: PoolClient): Promise<Server> {
    const [row] = await this.#send(client, unnamed(serverStatement(settingNames)));
    const server = readServer(client, row);
    if (!server.pooled) await this.#send(client, unnamed(sessionStatement(this.#callTimeout)));
    this.#servers.set(client, server);
    this.#server = server;
    return server;
  }

  /** In a transaction with settings of its own, since behind a pooler nothing of a session lasts, and what is set would reach others. */
  async #queryAlone(client: PoolClient, server: Server, call: Call): Promise<readonly Row[]> {
    await this.#send(client, unnamed(beginStatement(this.#callTimeout, server.settings)));
    try {
      const rows = await this.#send(client, { ...call, name: "" });
      await this.#send(client, unnamed("COMMIT"));
      return rows;
    } catch (error) {
      if (!spoilsConnection(error)) await this.#send(client, unnamed("ROLLBACK"));
      throw error;
    }
  }

  #send(client: PoolClient, call: Call): Promise<readonly Row[]> {
    return sendCall(client, call, this.#callTimeout);
  }

  /** Statements under way get a moment to end; then they are cut. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const cutting = setTimeout(() => {
      for (const client of this.#busy) {
        this.#busy.delete(client);
        client.release(true);
      }
      for (const client of this.#clients) cut(client);
    }, 1_000);
    try {
      await this.#pool.end();
      // The pool does not wait for the server.
      const ended = Array.from(
        this.#clients,
        (client) => new Promise<void>((resolve) => client.once("end", resolve)),
      );
      await Promise.all(ended);
    } finally {
      clearTimeout(cutting);
    }
  }
}
