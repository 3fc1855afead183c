import pg from "pg";
import type { PoolClient, QueryArrayConfig } from "pg";
import type { ConnectionSettings } from "./connection-settings.ts";
import { explained, spoilsConnection } from "./failures.ts";
import type { Call, Row } from "./operations/request.ts";
import { sessionStatement } from "./session.ts";

// The server's text as it is: parsers that the application has set for its own queries must not change what we read.
export const types: { getTypeParser(): (value: string) => string } = {
  getTypeParser: () => (value: string) => value,
};

export interface ConnectionOptions {
  readonly settings: ConnectionSettings;
  /** The most connections for statements. */
  readonly connections: number;
  /** Milliseconds that a statement, and the opening of a connection, may take. */
  readonly callTimeout: number;
}

/** Our own few connections. Nobody else's statements wait for them, and ours for nobody's. */
export class Connection {
  readonly #pool: pg.Pool;
  readonly #callTimeout: number;
  readonly #prepared = new WeakSet<PoolClient>();
  readonly #busy = new Set<PoolClient>();
  #closing: Promise<void> | undefined;

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
  }

  /** Opens all of them, so that no call has to wait for that later. One is enough: the others may follow when they are needed. */
  async open(): Promise<void> {
    const opening = Array.from({ length: this.#pool.options.max }, () =>
      this.query({ name: "", text: "SELECT", values: [] }),
    );
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
      if (!this.#prepared.has(client)) {
        // The statement under way is rejected as well; without a listener the process would end.
        client.on("error", () => {});
        await client.query(
          this.#limited({ name: "", text: sessionStatement(this.#callTimeout), values: [] }),
        );
        this.#prepared.add(client);
      }
      return (await client.query<(string | null)[]>(this.#limited(call))).rows;
    } catch (error) {
      spoiled = spoilsConnection(error);
      throw explained(error);
    } finally {
      if (this.#busy.delete(client)) client.release(spoiled);
    }
  }

  /** Statements under way get a moment to end; then they are cut. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const cut = setTimeout(() => {
      for (const client of this.#busy) {
        this.#busy.delete(client);
        client.release(true);
      }
    }, 1_000);
    try {
      await this.#pool.end();
    } finally {
      clearTimeout(cut);
    }
  }

  // pg's own types lack query_timeout for a single query.
  #limited({ name, text, values }: Call): QueryArrayConfig & { query_timeout: number } {
    const query = {
      text,
      values: [...values],
      rowMode: "array" as const,
      types,
      query_timeout: this.#callTimeout,
    };
    return name === "" ? query : { ...query, name };
  }
}
