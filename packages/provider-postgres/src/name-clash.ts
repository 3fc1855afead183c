import { LockError } from "@lock/core";
import type { Client } from "pg";
import type { Rename } from "./names.ts";

/** Some of the columns of each table of ours, by which it is known from one that is only called the same. */
const known: readonly (readonly [table: string, columns: readonly string[]])[] = [
  ["locking", ["namespace", "hash", "key", "claim_id", "token"]],
  ["locking_queue", ["namespace", "hash", "key", "claim_id", "ticket"]],
  ["locking_withdrawn", ["claim_id", "expires_at"]],
  ["locking_migrations", ["name", "applied_at"]],
];

/**
 * `CREATE TABLE IF NOT EXISTS` takes a table as it is, which may be an application's own, made by its migrations from our schema; or
 * somebody else's: Medusa's locking module has a `locking`, too.
 *
 * @throws {LockError} `LOCK_CONFIG` where it is somebody else's.
 */
export async function refuseForeignTables(client: Client, rename: Rename): Promise<void> {
  for (const [table, columns] of known) {
    const { rows } = await client.query<{ name: string; foreign: boolean }>(
      `SELECT c.oid::regclass::text AS name, NOT $2::text[] <@ array_agg(a.attname::text) AS foreign
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
        WHERE c.oid = to_regclass($1) GROUP BY c.oid`,
      [rename(table), columns],
    );
    const [found] = rows;
    if (found?.foreign !== true) continue;
    throw new LockError(
      "LOCK_CONFIG",
      `There is a table ${found.name} already that is not of @lock/provider-postgres${table === "locking" ? " (Medusa's locking module has one of that name)" : ""}. ` +
        'Use another schema: `npx lock-postgres migrate --schema locks`, and postgresProvider({ schema: "locks", ... })',
    );
  }
}
