import { createLocking } from "@lock/core";
import { drizzle } from "drizzle-orm/node-postgres";
import { getTableConfig } from "drizzle-orm/pg-core";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { migrate, migrationStatus } from "../src/migrate.ts";
import { renaming, type Names } from "../src/names.ts";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { lockingTables } from "../src/schema.ts";
import { emptyDatabase, migratedDatabase, serverUrl } from "./database.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const connected = (options: PostgresProviderOptions) =>
  createLocking({ providers: [postgresProvider(options)], logger: silent });

/** Every operation once, with a waiter of another instance. */
async function exercise(options: PostgresProviderOptions): Promise<void> {
  const [one, other] = [await connected(options), await connected(options)];
  try {
    let waiting: Promise<string> | undefined;
    await one.execute("k", async () => {
      waiting = other.execute("k", async () => "after it");
      await expect.poll(async () => (await one.inspect("k"))[0]?.waiting).toBe(1);
    });
    expect(await waiting).toBe("after it");
    const lock = await one.acquire(["k", "l"], { ownerId: "o", expire: 30 });
    await expect(other.acquire("l")).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    await lock.extend(60);
    expect(await other.release("k", { ownerId: "o" })).toBe(true);
    await other.releaseAll({ ownerId: "o" });
    await other.acquire(["k", "l"]);
    await one.releaseAll();
    expect((await one.inspect("l"))[0]?.holders).toEqual([]);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
}

test.each(["session", "rows"] as const)(
  "tables of any schema and name do in %s mode, whatever the search path",
  async (mode) => {
    await using database = await emptyDatabase();
    const names = { schema: database.schema, table: "app_locks" };
    expect((await migrate(serverUrl, names)).applied).not.toEqual([]);
    expect((await migrate(serverUrl, names)).applied).toEqual([]);
    await exercise({ connectionString: serverUrl, ...names, mode });
    expect(
      await database.query("SELECT to_regclass('locking') AS plain, to_regclass('app_locks')::text AS named"),
    ).toEqual([{ plain: null, named: "app_locks" }]);
  },
);

test("tables that were migrated along a search path are found by the name of their schema, and the other way round", async () => {
  await using database = await migratedDatabase();
  await exercise({ connectionString: serverUrl, schema: database.schema });
  const pool = new pg.Pool({ connectionString: serverUrl });
  await exercise({ db: drizzle(pool), schema: database.schema });
  await pool.end();
  await using other = await emptyDatabase();
  await migrate(serverUrl, { schema: other.schema });
  await exercise({ connectionString: other.url });
});

test("after its schema was renamed, migrating again without the history makes it work and keeps what is held", async () => {
  await using database = await migratedDatabase();
  const before = await connected({ connectionString: database.url, namespace: "n" });
  await before.acquire("kept", { ownerId: "o" });
  await before.close();
  const schema = `${database.schema}_renamed`;
  await database.query(`ALTER SCHEMA ${database.schema} RENAME TO ${schema}`);
  try {
    await database.query(`DROP TABLE ${schema}.locking_migrations`);
    await migrate(serverUrl, { schema });
    await exercise({ connectionString: serverUrl, schema });
    const after = await connected({ connectionString: serverUrl, schema, namespace: "n" });
    expect((await after.inspect("kept"))[0]?.holders).toHaveLength(1);
    await after.close();
  } finally {
    await database.query(`ALTER SCHEMA ${schema} RENAME TO ${database.schema}`);
  }
});

test("two sets of tables in one schema have locks of their own", async () => {
  await using database = await emptyDatabase();
  const source = { connectionString: database.url };
  await Promise.all([migrate(database.url, { table: "one" }), migrate(database.url, { table: "other" })]);
  const one = await connected({ ...source, table: "one", namespace: "one" });
  const other = await connected({ ...source, table: "other", namespace: "other" });
  await one.acquire("k");
  await other.acquire("k");
  await other.releaseAll();
  expect((await one.inspect("k"))[0]?.holders).toHaveLength(1);
  await Promise.all([one.close(), other.close()]);
});

test("a schema that is missing is created; without migrations, connecting says what to run", async () => {
  await using database = await emptyDatabase();
  const schema = `${database.schema} of-locks`;
  await expect(connected({ connectionString: serverUrl, schema })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("npx lock-postgres migrate"),
  });
  expect((await migrationStatus(serverUrl, { schema })).applied).toEqual([]);
  try {
    await migrate(serverUrl, { schema });
    await exercise({ connectionString: serverUrl, schema });
  } finally {
    await database.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  }
});

describe("drizzle's tables", () => {
  test("have the same names", () => {
    const { locking, lockingQueue, lockingSequence } = lockingTables({ schema: "locks", table: "app" });
    expect(getTableConfig(locking)).toMatchObject({
      schema: "locks",
      name: "app",
      primaryKeys: [{ name: "app_pkey" }],
      indexes: [{ config: { name: "app_owner" } }],
    });
    expect(getTableConfig(lockingQueue)).toMatchObject({ schema: "locks", name: "app_queue" });
    expect(lockingSequence).toMatchObject({ schema: "locks", seqName: "app_sequence" });
    expect(getTableConfig(lockingTables().locking)).toMatchObject({ schema: undefined, name: "locking" });
    expect(getTableConfig(lockingTables({ schema: "public" }).locking)).toMatchObject({ schema: undefined });
  });
});

test.each<[Names, string]>([
  [{ schema: "" }, "schema"],
  [{ schema: 'a"b' }, "schema"],
  [{ schema: "a$$b" }, "schema"],
  [{ schema: "é".repeat(32) }, "schema"],
  [{ table: "" }, "table"],
  [{ table: "Locks" }, "table"],
  [{ table: "a; DROP" }, "table"],
  [{ table: "a".repeat(41) }, "table"],
])("%o is refused", (names, word) => {
  for (const use of [
    () => renaming(names),
    () => postgresProvider({ connectionString: "postgres://x", ...names }),
    () => lockingTables(names),
  ]) {
    expect(use).toThrow(
      expect.objectContaining({ code: "LOCK_CONFIG", message: containing(`${word} must be`) }),
    );
  }
});

test("names are written anew wherever they stand, and nothing else is", () => {
  const rename = renaming({ schema: "s", table: "t" });
  expect(rename("SELECT x FROM locking_take($1), locking l, nextval('locking_sequence')")).toBe(
    `SELECT x FROM "s"."t_take"($1), "s"."t" l, nextval('"s"."t_sequence"')`,
  );
  expect(rename('CREATE INDEX IF NOT EXISTS "locking_owner" ON "locking" (unlocking, locking2)')).toBe(
    'CREATE INDEX IF NOT EXISTS "t_owner" ON "s"."t" (unlocking, locking2)',
  );
  const channel = "LISTEN locking_aabbccddeeffaabbccddeeff";
  expect(rename(channel)).toBe(channel);
});
