import { createLocking, type Locking } from "@lock/core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { instance, newId, type Instance } from "./instance.ts";

let database: TestDatabase;
let one: Instance;
let other: Instance;

beforeAll(async () => {
  database = await migratedDatabase();
  // Stands before the server's own in the search path below, and keeps a record.
  await database.query("CREATE TABLE notified (payload json)");
  await database.query(`CREATE FUNCTION pg_notify(p_channel text, p_payload text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO notified VALUES (p_payload::json);
    SELECT pg_catalog.pg_notify(p_channel, p_payload) $$`);
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  await database.query("TRUNCATE locking, locking_queue, locking_withdrawn, notified");
  const url = new URL(database.url);
  url.searchParams.set("options", `-c search_path=${database.schema},pg_catalog`);
  const namespace = newId();
  one = await instance({ connectionString: url.href }, { namespace });
  other = await instance({ connectionString: url.href }, { namespace });
  return async () => {
    await one.store.close();
    await other.store.close();
  };
});

const notified = (): Promise<Record<string, unknown>[]> => database.query("SELECT payload FROM notified");

test.each([0, 2])("nobody is notified where nobody waits, sessions: %i", async (sessions) => {
  const url = new URL(database.url);
  url.searchParams.set("options", `-c search_path=${database.schema},pg_catalog`);
  await using one = await instance({ connectionString: url.href }, { sessions });
  await one.take({ id: "c" });
  await one.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: false });
  await one.take({ ownerId: "o" });
  await one.release({ by: "owner", ownerId: "o", keys: ["a"] });
  await one.take({});
  await one.store.releaseAll(null);
  expect(await notified()).toEqual([]);
});

test("nobody is notified where the waiter is of the releasing instance: it is told in the reply", async () => {
  await one.take({ id: "c" });
  await one.take({ id: "w" });
  await one.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: false });
  expect(one.handovers).toMatchObject([{ claimId: "w", provisional: true }]);
  expect(await notified()).toEqual([]);
});

test("one notification is sent for a hand-over to another instance, and reaches it alone", async () => {
  await one.take({ id: "c" });
  await other.take({ id: "w" });
  await one.take({ id: "later" });
  await one.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: false });
  expect(await other.handedTo("w")).toMatchObject({ provisional: true });
  expect(await notified()).toMatchObject([{ payload: { granted: "w" } }]);
  expect(one.handovers).toEqual([]);
});

test("a listening connection that was cut is replaced, and every waiter told to ask", async () => {
  await one.take({ id: "c" });
  await other.take({ id: "w" });
  const cut = await database.query(`SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
    WHERE query = 'LISTEN ' || (SELECT channel FROM locking_queue)`);
  expect(cut).toEqual([{ done: true }]);
  await expect.poll(() => other.woken, { timeout: 5_000 }).toContain("*");
  expect(one.woken).toEqual([]);
  await one.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: false });
  await other.handedTo("w");
});

test("a notification that is lost costs the waiter at most 5 s, and never its turn", async () => {
  await database.query(`CREATE SCHEMA ${database.schema}_deaf`);
  await database.query(`CREATE TABLE ${database.schema}_deaf.swallowed (payload text)`);
  await database.query(
    `CREATE FUNCTION ${database.schema}_deaf.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'INSERT INTO ${database.schema}_deaf.swallowed VALUES ($2)'`,
  );
  onTestFinished(async () => {
    await database.query(`DROP SCHEMA ${database.schema}_deaf CASCADE`);
  });
  // What this one has to tell is heard by nobody.
  const url = new URL(database.url);
  url.searchParams.set("options", `-c search_path=${database.schema}_deaf,${database.schema},pg_catalog`);
  const namespace = newId();
  const connected = (connectionString: string): Promise<Locking> =>
    createLocking({
      providers: [postgresProvider({ connectionString, namespace, mode: "rows" })],
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
  await using mute = await connected(url.href);
  await using waiting = await connected(database.url);
  const order: string[] = [];
  const wait = (name: string): Promise<unknown> =>
    waiting.execute("k", () => order.push(name), { timeout: 20 });
  const held = await mute.acquire("k");
  const claims = [wait("first")];
  await expect.poll(async () => (await mute.inspect("k"))[0]?.waiting).toBe(1);
  claims.push(wait("second"));
  await expect.poll(async () => (await mute.inspect("k"))[0]?.waiting).toBe(2);
  const released = performance.now();
  await held.release();
  await Promise.all(claims);
  expect(performance.now() - released).toBeLessThan(5_000);
  expect(order).toEqual(["first", "second"]);
  expect(await database.query(`SELECT FROM ${database.schema}_deaf.swallowed`)).toHaveLength(1);
  expect(await database.query("SELECT key FROM locking UNION ALL SELECT key FROM locking_queue")).toEqual([]);
}, 30_000);

test("without push no connection listens, and a waiter finds what was handed to it by asking", async () => {
  const url = new URL(database.url);
  const name = `polling-${newId()}`;
  url.searchParams.set("application_name", name);
  const polling = await instance({ connectionString: url.href }, { push: false });
  const open = "SELECT count(*)::integer AS open FROM pg_stat_activity WHERE application_name = $1";
  expect(await database.query(open, [name])).toEqual([{ open: 2 }]);
  await polling.take({ id: "c" });
  await polling.take({ id: "w" });
  await polling.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: false });
  expect(polling.handovers).toEqual([]);
  expect(await polling.take({ id: "w" })).toMatchObject({ status: "granted", remaining: 30_000 });
  await polling.store.close();
});
