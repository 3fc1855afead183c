import { describeConformance } from "@lock/testkit/vitest";
import { readFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { migrate, migrationStatus } from "../src/migrate.ts";
import { migratedDatabase, otherRole } from "./database.ts";

const page = new URL("../../../docs/providers/postgres.md", import.meta.url);

// An administrator has migrated; the role gets what the page on the provider lists, and no more.
const database = await migratedDatabase();
const role = await otherRole(database);
const grants = /```sql\n(GRANT USAGE ON SCHEMA[^]*?)```/.exec(await readFile(page, "utf8"))?.[1] ?? "";
await database.query(
  grants.replaceAll("SCHEMA public", `SCHEMA ${database.schema}`).replaceAll("TO shop", `TO ${role.name}`),
);
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

// Together they call every function.
const areas = {
  session: ["inspect", "releaseAll", "sharedContext"],
  rows: ["acquire", "release"],
};
for (const [mode, only] of Object.entries(areas)) {
  await describeConformance({ subject: new URL(`./${mode}-subject.ts`, import.meta.url), only });
}
