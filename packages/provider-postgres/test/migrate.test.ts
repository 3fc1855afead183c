import { drizzle } from "drizzle-orm/node-postgres";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import pg from "pg";
import { expect, test } from "vitest";
import { migrate, migrationStatus } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { shippedMigrations } from "../src/shipped-migrations.ts";
import { emptyDatabase, migratedDatabase, otherRole } from "./database.ts";
import { instance } from "./instance.ts";
import { containing, some } from "./matchers.ts";

const run = promisify(execFile);
const cli = new URL("../src/cli.ts", import.meta.url).pathname;

test("ten that start at once apply each migration once, and all find it ready", async () => {
  await using database = await emptyDatabase();
  const reports = await Promise.all(Array.from({ length: 10 }, () => migrate(database.url)));
  const [first] = reports;
  expect(reports.flatMap(({ applied }) => applied)).toEqual(first?.known);
  expect(await database.query("SELECT name FROM locking_migrations ORDER BY name")).toEqual(
    first?.known.map((name) => ({ name })),
  );
});

test("what is applied already is left alone, through a pool or a drizzle database too", async () => {
  await using database = await emptyDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const busy = await pool.connect();
  expect((await migrate(pool)).applied).not.toEqual([]);
  expect((await migrate(drizzle(pool))).applied).toEqual([]);
  expect((await migrate(pool)).applied).toEqual([]);
  expect((await busy.query("SELECT count(*)::int AS count FROM locking")).rows).toEqual([{ count: 0 }]);
  busy.release();
  await pool.end();
});

test("tables that the application's own migrations have made are taken as they are", async () => {
  await using database = await emptyDatabase();
  await migrate(database.url);
  await database.query("DROP TABLE locking_migrations");
  expect((await migrate(database.url)).applied).toContain("0000_tables");
});

test("one that fails halfway leaves nothing", async () => {
  await using database = await emptyDatabase();
  await database.query(
    "CREATE FUNCTION locking_left(timestamptz, timestamptz) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
  );
  await expect(migrate(database.url)).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    cause: some(Error),
  });
  expect(await database.query("SELECT to_regclass('locking') AS locking")).toEqual([{ locking: null }]);
});

test("a table of Medusa's locking module is left alone, and the error says to use another schema", async () => {
  await using database = await emptyDatabase();
  await database.query(
    "CREATE TABLE locking (id text PRIMARY KEY, owner_id text, expiration timestamptz, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz)",
  );
  await expect(migrate(database.url)).rejects.toMatchObject({
    code: "LOCK_CONFIG",
    message: containing("Use another schema: `npx lock-postgres migrate --schema locks`"),
  });
  await expect(instance({ connectionString: database.url })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("npx lock-postgres migrate"),
  });
  expect(await database.query("SELECT to_regclass('locking_migrations') AS ours")).toEqual([{ ours: null }]);
});

test.each([
  ["has another text", "UPDATE locking_migrations SET hash = 'other' WHERE name = '0003_renew'"],
  ["has another name", "UPDATE locking_migrations SET name = '0003_other' WHERE name = '0003_renew'"],
])("a migration that %s than that of the same number here is told of", async (_, edit) => {
  await using database = await migratedDatabase();
  await database.query(edit);
  for (const look of [migrate, migrationStatus]) {
    await expect(look(database.url)).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: containing("a different edit of migration 0003"),
    });
  }
});

test("what a newer version has applied, and what was noted without a text, is left alone", async () => {
  await using database = await migratedDatabase();
  await database.query("INSERT INTO locking_migrations (name, hash) VALUES ('0900_later', 'x')");
  await database.query("UPDATE locking_migrations SET hash = NULL WHERE name = '0003_renew'");
  expect((await migrate(database.url)).applied).toEqual([]);
  expect(await migrationStatus(database.url)).toMatchObject({ pending: [], newer: ["0900_later"] });
  await database.query("ALTER TABLE locking_migrations DROP COLUMN hash");
  await database.query("DELETE FROM locking_migrations WHERE name = '0003_renew'");
  expect((await migrate(database.url)).applied).toEqual(["0003_renew"]);
});

test("a transaction that uses the tables is waited for, and nobody behind it", async () => {
  await using database = await migratedDatabase();
  await database.query("DELETE FROM locking_migrations WHERE name = '0003_renew'");
  const user = new pg.Client(database.url);
  await user.connect();
  await user.query("BEGIN; SELECT FROM locking_queue");
  const migrating = migrate(database.url);
  const calls: Promise<unknown>[] = [];
  await using one = await instance({ connectionString: database.url });
  for (let n = 0; n < 10; n++) calls.push(one.take({ keys: [`k${n}`] }));
  for (const reply of await Promise.all(calls)) expect(reply).toMatchObject({ status: "granted" });
  await user.query("COMMIT");
  await user.end();
  expect((await migrating).applied).toEqual(["0003_renew"]);
});

test("time limits that are set for the application's sessions do not end a migration that has to wait", async () => {
  await using database = await migratedDatabase();
  await database.query("DELETE FROM locking_migrations WHERE name = '0003_renew'");
  const user = new pg.Client(database.url);
  await user.connect();
  await user.query("BEGIN; SELECT FROM locking_queue");
  const url = new URL(database.url);
  const limits = ["statement", "lock", "idle_in_transaction_session"].map((each) => `-c ${each}_timeout=30`);
  url.searchParams.set("options", `${url.searchParams.get("options")} ${limits.join(" ")}`);
  const migrating = migrate(url.href);
  migrating.catch(() => {});
  // Time for a try and for the pause after it, in which the transaction is idle.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await user.query("COMMIT");
  await user.end();
  expect((await migrating).applied).toEqual(["0003_renew"]);
});

test("a role that may not create is told so, and has nothing to do where an administrator has migrated", async () => {
  await using database = await emptyDatabase();
  await using role = await otherRole(database);
  await expect(migrate(role.url)).rejects.toMatchObject({
    message: containing("CREATE on the schema"),
  });
  await migrate(database.url);
  await database.query(`GRANT SELECT ON locking_migrations TO ${role.name}`);
  expect((await migrate(role.url)).applied).toEqual([]);
});

test("without it, connecting says what to run", async () => {
  await using database = await emptyDatabase();
  await expect(instance({ connectionString: database.url })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("npx lock-postgres migrate"),
  });
});

test("where some of the migrations are applied only, connecting says what to run, and that completes them", async () => {
  await using database = await emptyDatabase();
  const migrations = await shippedMigrations();
  const needed = migrations.findIndex(({ name }) => name === "0010_session_bare");
  for (const { text } of migrations.slice(0, needed)) {
    await database.query(text);
    await expect(instance({ connectionString: database.url })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: containing("npx lock-postgres migrate"),
    });
  }
  expect((await migrate(database.url)).applied).toEqual(migrations.map(({ name }) => name));
  await using one = await instance({ connectionString: database.url });
  expect(await one.take({})).toMatchObject({ status: "granted" });
});

test("making a provider touches nothing", async () => {
  await using database = await emptyDatabase();
  const provider = postgresProvider({ connectionString: database.url });
  await provider.close(0);
  expect(await database.query("SELECT to_regclass('locking') AS locking")).toEqual([{ locking: null }]);
});

test("lock-postgres migrate reads LOCKING_DATABASE_URL or --url, and may be run again", async () => {
  await using database = await emptyDatabase();
  const first = await run(process.execPath, [cli, "migrate"], {
    env: { ...process.env, LOCKING_DATABASE_URL: database.url },
  });
  expect(first.stdout).toContain("applied 0000_tables");
  const second = await run(process.execPath, [cli, "migrate", "--url", database.url]);
  expect(second.stdout).toContain("Nothing to do");
});

test("lock-postgres status says what is applied and pending, and exits with 3 while anything is", async () => {
  await using database = await emptyDatabase();
  const names = ["--url", database.url, "--table", "app"];
  const status = (...more: string[]) => run(process.execPath, [cli, "status", ...names, ...more]);
  await expect(status()).rejects.toMatchObject({ code: 3, stdout: containing("pending 0000_tables") });
  await run(process.execPath, [cli, "migrate", ...names, "--schema", database.schema]);
  expect((await status()).stdout).toMatch(/^applied 0000_tables \(2.*Z\)\n[^]*All migrations are applied/);
  const { known } = await migrate(database.url, { table: "app" });
  const told = JSON.parse((await status("--json")).stdout) as { applied: { name: string }[] };
  expect(told).toMatchObject({ pending: [], newer: [] });
  expect(told.applied.map(({ name }) => name)).toEqual(known);
  await database.query("INSERT INTO app_migrations (name) VALUES ('0000_edited')");
  await expect(status()).rejects.toMatchObject({ code: 1, stderr: containing("a different edit") });
});

test("lock-postgres says what is wrong and exits with 1, or with 2 where it was called wrongly", async () => {
  const env = { ...process.env, LOCKING_DATABASE_URL: "" };
  await expect(run(process.execPath, [cli], { env })).rejects.toMatchObject({
    code: 2,
    stderr: containing("Usage"),
  });
  await expect(run(process.execPath, [cli, "migrate"], { env })).rejects.toMatchObject({
    code: 2,
    stderr: containing("LOCKING_DATABASE_URL"),
  });
  await expect(
    run(process.execPath, [cli, "migrate", "--url", "postgres://127.0.0.1:1/none"]),
  ).rejects.toMatchObject({
    code: 1,
    stderr: containing("ECONNREFUSED"),
  });
  expect((await run(process.execPath, [cli, "--help"])).stdout).toContain("LOCKING_DATABASE_URL");
});

test("without a database it says what to give", async () => {
  for (const given of [undefined, null, "", 5]) {
    await expect(migrate(given as string)).rejects.toMatchObject({ code: "LOCK_CONFIG" });
  }
});
