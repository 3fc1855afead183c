import { createLocking } from "@lock/core";
import { describeConformance } from "@lock/testkit/vitest";
import { readFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import pg from "pg";
import { functions } from "../src/check-server.ts";
import { migrate, migrationStatus } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, otherRole } from "./database.ts";

const page = new URL("../../../docs/providers/postgres.md", import.meta.url);

// An administrator has migrated; the role gets what the page on the provider lists, and no more.
const database = await migratedDatabase();
const role = await otherRole(database);
const grants = /```sql\n(GRANT USAGE ON SCHEMA[^]*?)```/.exec(await readFile(page, "utf8"))?.[1] ?? "";
await database.query(
  grants.replaceAll("SCHEMA public", `SCHEMA ${database.schema}`).replaceAll("TO shop", `TO ${role.name}`),
);
// So that the server counts which functions it calls.
await database.query(`ALTER ROLE ${role.name} SET track_functions = 'pl'`);
process.env["LOCK_TEST_POSTGRES_URL"] = role.url;
afterAll(async () => {
  await role[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test("a role with the rights that are listed can't create anything", async () => {
  const [rights] = await database.query(
    "SELECT has_schema_privilege($1, $2, 'CREATE') AS create, rolsuper AS super FROM pg_roles WHERE rolname = $1",
    [role.name, database.schema],
  );
  expect(rights).toEqual({ create: false, super: false });
});

test("it may ask what is applied, and migrate where nothing is to be done", async () => {
  expect((await migrationStatus(role.url)).pending).toEqual([]);
  expect((await migrate(role.url)).applied).toEqual([]);
});

// With what is called below, these call every function.
const areas = {
  session: ["inspect", "releaseAll", "sharedContext"],
  rows: ["acquire", "release"],
};
for (const [mode, only] of Object.entries(areas)) {
  await describeConformance({ subject: new URL(`./${mode}-subject.ts`, import.meta.url), only });
}

test("a job on several keys runs, what has expired may be swept, and so every function that the provider calls was called", async () => {
  const locking = await createLocking({
    providers: [postgresProvider({ connectionString: role.url })],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  expect(await locking.execute(["a", "b"], () => "ran")).toBe("ran");
  await locking.close();
  const client = new pg.Client(role.url);
  await client.connect();
  // An instance does so once in 30 s.
  await client.query("SELECT locking_sweep(NULL, 1)");
  await client.end();
  // A connection is counted when it ends.
  await expect
    .poll(
      () =>
        database.query(
          `SELECT p.oid::regprocedure::text AS uncalled FROM pg_proc p LEFT JOIN pg_stat_user_functions f ON f.funcid = p.oid
            WHERE p.oid = ANY ($1::regprocedure[]) AND coalesce(f.calls, 0) = 0`,
          [functions],
        ),
      { timeout: 10_000 },
    )
    .toEqual([]);
});
