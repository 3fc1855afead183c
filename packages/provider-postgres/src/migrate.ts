import { readFile } from "node:fs/promises";
import type { Client } from "pg";
import { connectionSettings } from "./connection-settings.ts";
import type { DrizzleDatabase, PgPool } from "./connection-source.ts";
import { explainedMigration } from "./failures.ts";

const folder = new URL("../migrations/", import.meta.url);

/** The advisory lock that lets one migrate at a time. */
const migrationLock = "7813577617021493099";

const connectTimeout = 10_000;

export interface MigrationReport {
  /** The migrations that this call applied, in order. */
  readonly applied: readonly string[];
  /** All there are. */
  readonly known: readonly string[];
}

/**
 * Creates the tables and functions that the provider needs, in the first schema of the search path, or brings them up to
 * date. Any number of processes may call it any number of times, also at once. It opens a connection of its own with the
 * settings of what it is given, and closes it.
 *
 * @param database - a URL, a `Pool` of `pg`, or a drizzle database over one.
 * @throws {LockError} `LOCK_UNAVAILABLE` when the server refuses, for example for want of rights.
 */
export async function migrate(database: string | PgPool | DrizzleDatabase): Promise<MigrationReport> {
  const { config, Client } = connectionSettings(
    typeof database === "string"
      ? { connectionString: database }
      : "$client" in database
        ? { db: database }
        : { pool: database },
  );
  const client = new Client({ ...config, connectionTimeoutMillis: connectTimeout });
  // A cut connection also rejects the statement under way, which is where it is reported.
  client.on("error", () => {});
  try {
    await client.connect();
    return await applyMissing(client);
  } catch (error) {
    throw explainedMigration(error);
  } finally {
    await client.end().catch(() => {});
  }
}

async function applyMissing(client: Client): Promise<MigrationReport> {
  const journal = JSON.parse(await readFile(new URL("meta/_journal.json", folder), "utf8")) as {
    entries: { tag: string }[];
  };
  const known = journal.entries.map(({ tag }) => tag);
  await client.query(
    "SET lock_timeout = 0; SET statement_timeout = 0; SET default_transaction_read_only = off",
  );
  // READ COMMITTED: what is read after the wait for the lock is what the one before has left.
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  await client.query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
  const table = await client.query<{ missing: boolean }>(
    "SELECT to_regclass('locking_migrations') IS NULL AS missing",
  );
  // Not CREATE … IF NOT EXISTS, which asks for the right to create even where nothing is to be created.
  if (table.rows[0]?.missing === true) {
    await client.query(
      "CREATE TABLE locking_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
  }
  const { rows } = await client.query<{ name: string }>("SELECT name FROM locking_migrations");
  const done = new Set(rows.map(({ name }) => name));
  const applied = known.filter((name) => !done.has(name));
  for (const name of applied) {
    const text = await readFile(new URL(`${name}.sql`, folder), "utf8");
    for (const statement of text.split("--> statement-breakpoint")) await client.query(statement);
    await client.query("INSERT INTO locking_migrations (name) VALUES ($1)", [name]);
  }
  await client.query("COMMIT");
  return { applied, known };
}
