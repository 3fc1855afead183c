import { createLocking, type Locking } from "@lock/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import pg from "pg";
import { keyHash } from "../src/key-hash.ts";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const slowly = { timeout: 5_000 };

let database: TestDatabase;
let namespace: string;
let locking: Locking;

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = newId();
  const connectionString = database.url;
  const provider = postgresProvider({ connectionString, namespace, mode: "session", callTimeout: "300ms" });
  locking = await createLocking({ providers: [provider], logger: silent });
  return () => locking.close();
});

const holders = async (key: string): Promise<unknown> => (await locking.inspect(key))[0]?.holders;

test("a row that could not be freed for longer than a lease is freed when it can be", async () => {
  const stuck = new pg.Client(database.url);
  await stuck.connect();
  const job = async (): Promise<void> => {
    await stuck.query("BEGIN");
    await stuck.query("SELECT pg_advisory_xact_lock($1)", [String(keyHash(namespace, "k"))]);
  };
  await locking.execute("k", job, { limit: 2, expire: "500ms" });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await holders("k")).toHaveLength(1);
  await stuck.query("COMMIT");
  await stuck.end();
  await expect.poll(() => holders("k"), slowly).toEqual([]);
});

test("a bare lock whose release the server refused is freed when it no longer does", async () => {
  const [made] = await database.query(
    "SELECT pg_get_functiondef('locking_let_go_one(text,bigint)'::regprocedure) AS text",
  );
  await database.query(`CREATE OR REPLACE FUNCTION locking_let_go_one(p_namespace text, p_hash bigint) RETURNS text
    LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE 'out of shared memory' USING ERRCODE = '53200'; END $$`);
  await locking.execute("k", () => {});
  expect(await holders("k")).toHaveLength(1);
  await database.query(made?.["text"] as string);
  await expect.poll(() => holders("k"), slowly).toEqual([]);
});
