import { createLocking } from "@lock/core";
import { afterAll, expect, test } from "vitest";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, otherRole } from "./database.ts";
import { newId } from "./instance.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const database = await migratedDatabase();
const role = await otherRole(database);
await database.query(`GRANT ALL ON ALL TABLES IN SCHEMA ${database.schema} TO ${role.name}`);
await database.query(`GRANT ALL ON ALL SEQUENCES IN SCHEMA ${database.schema} TO ${role.name}`);
afterAll(async () => {
  await role[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test("releaseAll() that may not end the sessions of another role says what would let it", async () => {
  const namespace = newId();
  const of = (connectionString: string) =>
    createLocking({ providers: [postgresProvider({ connectionString, namespace })], logger: silent });
  await using theirs = await of(database.url);
  await using ours = await of(role.url);
  await theirs.execute("a", async (lock) => {
    await expect(ours.releaseAll()).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: containing("pg_signal_backend"),
    });
    expect(lock.signal.aborted).toBe(false);
  });
});
