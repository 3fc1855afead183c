import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import pg from "pg";
import { connectionSettings } from "../src/connection-settings.ts";
import { Connection } from "../src/connection.ts";
import { halves } from "../src/operations/advisory.ts";
import { endSessionCall } from "../src/operations/end-sessions.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function client(): Promise<pg.Client> {
  const made = new pg.Client({ connectionString: database.url });
  made.on("error", () => {});
  await made.connect();
  onTestFinished(() => made.end());
  return made;
}

const isAlive = (one: pg.Client): Promise<boolean> =>
  one.query("SELECT").then(
    () => true,
    () => false,
  );

test("ending a session that was lost ends it, and not who was just looking whether it is alive", async () => {
  const settings = connectionSettings({ connectionString: database.url });
  const connection = new Connection({ settings, connections: 1, callTimeout: 5_000 });
  onTestFinished(() => connection.close());
  const [lost, looking] = [await client(), await client()];
  const [first, second] = [randomBytes(8).readBigInt64BE(0), randomBytes(8).readBigInt64BE(0)];
  await lost.query("SELECT pg_advisory_lock($1, $2)", [...halves(first)]);
  await looking.query("BEGIN");
  await looking.query("SELECT locking_alive($1), locking_alive($2)", [String(first), String(second)]);
  await connection.query(endSessionCall(first));
  await connection.query(endSessionCall(second));
  expect([await isAlive(lost), await isAlive(looking)]).toEqual([false, true]);
});
