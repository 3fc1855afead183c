import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds to wait for another process's transaction before it counts as out of reach. */
const patience = 4_000;
const SQLITE_BUSY = 5;

const schema = `
  CREATE TABLE IF NOT EXISTS locks (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    token INTEGER NOT NULL,
    owner TEXT,
    kind TEXT NOT NULL,
    permits REAL NOT NULL,
    ends REAL NOT NULL,
    -- The later grant of the same owner that took the key over; to be restored should that claim be withdrawn.
    superseded_by TEXT,
    PRIMARY KEY (namespace, key, grant_id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS locks_by_owner ON locks (namespace, owner);
  CREATE INDEX IF NOT EXISTS locks_by_end ON locks (ends);
  CREATE INDEX IF NOT EXISTS locks_superseded ON locks (namespace, superseded_by) WHERE superseded_by IS NOT NULL;
  CREATE TABLE IF NOT EXISTS tombstones (
    namespace TEXT NOT NULL,
    claim_id TEXT NOT NULL,
    ends REAL NOT NULL,
    PRIMARY KEY (namespace, claim_id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tombstones_by_end ON tombstones (ends);
  CREATE TABLE IF NOT EXISTS tokens (namespace TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
`;

/** A connection of its own to the file. */
export class Database {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  static async open(file: string, durable: boolean): Promise<Database> {
    const connection = new DatabaseSync(file);
    const database = new Database(connection);
    try {
      // SQLite waits by blocking this process: for a moment only, the rest of the waiting is ours.
      connection.exec("PRAGMA busy_timeout = 5");
      await whenFree(() => connection.exec("PRAGMA journal_mode = WAL"));
      // Either keeps the file whole; FULL also waits, at each commit, until it is on the disk.
      connection.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
      await database.transaction(() => connection.exec(schema));
      return database;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Runs `work` while no other process writes; all of it is kept, or none. */
  async transaction<T>(work: () => T): Promise<T> {
    return await whenFree(() => this.#attempt(work));
  }

  /** From its beginning to its end without a pause, since another one on this connection could begin in it. */
  #attempt<T>(work: () => T): T {
    // Not a deferred one: what it reads must not change before it writes.
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#connection.exec("COMMIT");
      return result;
    } catch (error) {
      this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  /** Runs a statement, and tells how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  close(): void {
    if (this.#connection.isOpen) this.#connection.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#connection.prepare(sql)));
    return statement;
  }
}

/** Tries until no other process is in the way, without keeping this one from its other work. */
async function whenFree<T>(attempt: () => T): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() > end) throw error;
      await pause(1 + Math.random() * 10);
    }
  }
}

function isBusy(error: unknown): boolean {
  // The lower byte: what kind of busy it is stands in the upper ones.
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;
}
