import { LockError } from "@lock/core";
import type { Client } from "pg";
import { connectionSettings } from "./connection-settings.ts";
import type { DrizzleDatabase, PgPool } from "./connection-source.ts";
import { explainedMigration } from "./failures.ts";
import {
  compare,
  createHistory,
  record,
  recordedMigrations,
  type MigrationStatus,
} from "./migration-history.ts";
import { lockTables } from "./migration-tables.ts";
import { refuseForeignTables } from "./name-clash.ts";
import { renaming, type Names } from "./names.ts";
import { shippedMigrations, type Migration } from "./shipped-migrations.ts";

/** The advisory lock that lets one migrate at a time. */
const migrationLock = "7813577617021493099";

const connectTimeout = 10_000;

/** Limits meant for the application's statements and sessions, also those of a transaction that is idle: it may have to wait. Not all servers know all. */
const withoutLimits = `SELECT set_config(s.name, '0', false) FROM pg_settings s WHERE s.name IN ('statement_timeout',
  'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`;

export interface MigrationReport {
  /** The migrations that this call applied, in order. */
  readonly applied: readonly string[];
  /** All there are. */
  readonly known: readonly string[];
}

/**
 * Creates the tables and functions that the provider needs, in `schema` (which is created where it is missing) or else the first schema of
 * the search path, or brings them up to date. Any number of processes may call it any number of times, also at once, and beside
 * instances that hold locks. It opens a connection of its own with the settings of what it is given, and closes it.
 *
 * @param database - a URL, a `Pool` of `pg`, or a drizzle database over one.
 * @param names - the same as the provider's.
 * @throws {LockError} `LOCK_UNAVAILABLE` when the server refuses, for example for want of rights; `LOCK_CONFIG` where a table of
 * somebody else's is in the way, or another edit of a migration was applied.
 */
export async function migrate(
  database: string | PgPool | DrizzleDatabase,
  names: Names = {},
): Promise<MigrationReport> {
  return connected(database, names, async (client) => applyMissing(client, names, await shippedMigrations()));
}

/**
 * What is applied and what is not. Changes nothing.
 *
 * @param database - a URL, a `Pool` of `pg`, or a drizzle database over one.
 * @param names - the same as the provider's.
 * @throws {LockError} as `migrate` does.
 */
export async function migrationStatus(
  database: string | PgPool | DrizzleDatabase,
  names: Names = {},
): Promise<MigrationStatus> {
  return connected(database, names, async (client) => {
    const recorded = await recordedMigrations(client, renaming(names));
    return compare(await shippedMigrations(), recorded ?? []);
  });
}

async function connected<Result>(
  database: string | PgPool | DrizzleDatabase,
  names: Names,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  renaming(names);
  const { config, Client } = connectionSettings(
    typeof database === "string"
      ? { connectionString: database }
      : typeof database === "object" && database !== null && "$client" in database
        ? { db: database }
        : { pool: database },
  );
  const client = new Client({ ...config, connectionTimeoutMillis: connectTimeout });
  // A cut connection also rejects the statement under way, which is where it is reported.
  client.on("error", () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw explainedMigration(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Applies those of `shipped` that the database lacks, all or none. */
export async function applyMissing(
  client: Client,
  names: Names,
  shipped: readonly Migration[],
): Promise<MigrationReport> {
  await client.query(`${withoutLimits}; SET default_transaction_read_only = off`);
  // READ COMMITTED: what is read after the wait for the lock is what the one before has left.
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  await client.query(`SELECT pg_advisory_xact_lock(${migrationLock})`);
  const recorded = await recordedMigrations(client, renaming(names));
  const { pending } = compare(shipped, recorded ?? []);
  if (pending.length > 0) {
    const rename = renaming({ ...names, schema: await targetSchema(client, names) });
    await refuseForeignTables(client, rename);
    await lockTables(client, rename);
    await createHistory(client, rename, recorded !== undefined);
    for (const migration of shipped.filter(({ name }) => pending.includes(name))) {
      for (const statement of migration.text.split("--> statement-breakpoint")) {
        await client.query(rename(statement));
      }
      await record(client, rename, migration);
    }
  }
  await client.query("COMMIT");
  return { applied: pending, known: shipped.map(({ name }) => name) };
}

/**
 * The functions name the schema of what they use, so that they work whatever search path they are called under: also for who gives
 * `schema`, and through a pooler that keeps no settings.
 */
async function targetSchema(client: Client, { schema, table }: Names): Promise<string> {
  if (schema !== undefined) {
    const { rowCount } = await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema]);
    // Not `IF NOT EXISTS`, which asks for the right to create even where nothing is to be created.
    if (rowCount === 0) await client.query(`CREATE SCHEMA "${schema}"`);
    return schema;
  }
  const { rows } = await client.query<{ schema: string | null }>(
    `SELECT coalesce((SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)), current_schema()::text) AS schema`,
    [renaming({ table })("locking_migrations")],
  );
  const found = rows[0]?.schema;
  if (found != null) return found;
  throw new LockError(
    "LOCK_UNAVAILABLE",
    "There is no schema to create the tables in: name one (--schema), or correct the search_path in the connection settings",
  );
}
