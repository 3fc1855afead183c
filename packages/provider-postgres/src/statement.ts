import pg from "pg";
import type { ClientBase, Connection, Submittable } from "pg";
import { bindMessage } from "./bind-message.ts";
import type { Call, Row } from "./operations/request.ts";

// The server's text as it is: parsers that the application has set for its own queries must not change what we read.
export const types: { getTypeParser(): (value: string) => string } = {
  getTypeParser: () => (value: string) => value,
};

/** What each client keeps prepared, by name; `null`: it is asked in the ordinary way. */
const prepared = new WeakMap<ClientBase, Set<string> | null>();

/**
 * A prepared statement, and no more of the protocol than it needs: the columns, which pg has described anew each time, are known. That takes a
 * quarter off what a statement costs this process.
 */
class PreparedStatement implements Submittable {
  /** Read by pg, which then calls `callback`. */
  readonly query_timeout: number;
  /** Read by pg, which may put its own around it. */
  callback: (error: Error | null, rows?: Row[]) => void;
  readonly #call: Call;
  readonly #known: Set<string>;
  readonly #rows: Row[] = [];

  constructor(
    call: Call,
    known: Set<string>,
    timeout: number,
    callback: (error: Error | null, rows?: Row[]) => void,
  ) {
    this.#call = call;
    this.#known = known;
    this.query_timeout = timeout;
    this.callback = callback;
  }

  submit(connection: Connection): void {
    const { name, text, values } = this.#call;
    if (!this.#known.has(name)) {
      // It is there already where its first use failed.
      connection.close({ type: "S", name }, true);
      connection.parse({ name, text, types: [] }, true);
    }
    // To one that has ended pg tells it by itself.
    if (connection.stream.writable) connection.stream.write(bindMessage(name, values));
  }

  handleDataRow({ fields }: { fields: Row }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {
    this.#known.add(this.#call.name);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#rows);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}

/**
 * Sends a call over a connection of ours. A client of another class, or one whose queries somebody watches, is asked in the ordinary way, since
 * it may look for what only ordinary queries have. `timeout`: milliseconds, 0: none.
 */
export function sendCall(client: ClientBase, call: Call, timeout: number): Promise<readonly Row[]> {
  const known = call.name === "" ? null : knownTo(client);
  if (known === null) return sendOrdinary(client, call, timeout);
  return new Promise((resolve, reject) => {
    const callback = (error: Error | null, rows: Row[] = []): void =>
      error === null ? resolve(rows) : reject(error);
    client.query(new PreparedStatement(call, known, timeout, callback));
  });
}

async function sendOrdinary(
  client: ClientBase,
  { name, text, values }: Call,
  timeout: number,
): Promise<readonly Row[]> {
  const query = {
    text,
    values: [...values],
    rowMode: "array" as const,
    types,
    // pg's own types lack it for a single query.
    ...(timeout > 0 && { query_timeout: timeout }),
  };
  const { rows } = await client.query<(string | null)[]>(name === "" ? query : { ...query, name });
  return rows;
}

/** Found out once: a name that is prepared in one way must not be prepared in the other. */
function knownTo(client: ClientBase): Set<string> | null {
  let known = prepared.get(client);
  if (known === undefined) {
    const { constructor, query, pipeline } = client as ClientBase & { readonly pipeline?: unknown };
    // `__wrapped`: by which instrumentation marks the functions that it replaces.
    known = constructor === pg.Client && !("__wrapped" in query) && pipeline !== true ? new Set() : null;
    prepared.set(client, known);
  }
  return known;
}
