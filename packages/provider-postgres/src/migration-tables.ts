import { LockError } from "@lock/core";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import type { Rename } from "./names.ts";

/** Less than the server's `deadlock_timeout`: the migration gives way before anybody else's call is sacrificed. */
const eachTry = "300ms";
const patience = 60_000;

/**
 * Keeps everybody else out of the tables until the migration's transaction ends, so that no call of a running instance sees half of it. Calls
 * lock the tables in whatever order they use them, so the migration never waits for one while it keeps another: it lets go of all, lets
 * the calls by, and tries again.
 */
export async function lockTables(client: Client, rename: Rename): Promise<void> {
  const names = ["locking", "locking_queue", "locking_withdrawn"].map(rename);
  const { rows } = await client.query<{ name: string }>(
    "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL",
    [names],
  );
  if (rows.length === 0) return;
  const statement = `LOCK TABLE ${rows.map(({ name }) => name).join(", ")} IN ACCESS EXCLUSIVE MODE`;
  const until = performance.now() + patience;
  await client.query("SAVEPOINT before_tables");
  for (;;) {
    try {
      await client.query(`SET LOCAL lock_timeout = '${eachTry}'; ${statement}; SET LOCAL lock_timeout = 0`);
      return;
    } catch (error) {
      // lock_not_available.
      if ((error as { code?: unknown }).code !== "55P03") throw error;
      await client.query("ROLLBACK TO SAVEPOINT before_tables");
      if (performance.now() > until) {
        throw new LockError(
          "LOCK_UNAVAILABLE",
          "Some transaction uses the tables and does not end, so that they can't be migrated: see pg_stat_activity, xact_start",
          { cause: error },
        );
      }
      await pause(50 + Math.random() * 100);
    }
  }
}
