import { createLocking } from "@lock/core";
import { startProxy } from "@lock/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, otherRole, serverUrl, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";
import { containing } from "./matchers.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const silent = { debug() {}, info() {}, warn() {}, error() {} };

test("a table that is gone is LOCK_UNAVAILABLE, and the message says what to run", async () => {
  await using gone = await migratedDatabase();
  await using one = await instance({ connectionString: gone.url });
  await gone.query("DROP TABLE locking");
  await expect(one.take({})).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("npx lock-postgres migrate"),
  });
  await migrateAnew(gone);
  expect(await one.take({})).toMatchObject({ status: "granted" });
});

async function migrateAnew(database: TestDatabase): Promise<void> {
  await database.query("DROP TABLE locking_migrations");
  await migrate(database.url);
}

describe("the rights that it needs are", () => {
  test("those that are listed: without them it says which, with them it works", async () => {
    await using granted = await migratedDatabase();
    await using role = await otherRole(granted);
    // What is freed of it below is freed in the whole database.
    await using one = await instance({ connectionString: role.url }, { namespace: newId() });
    await expect(one.take({})).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: containing("GRANT SELECT"),
    });
    await granted.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON locking, locking_queue, locking_withdrawn TO ${role.name}`,
    );
    await granted.query(`GRANT USAGE ON SEQUENCE locking_sequence TO ${role.name}`);
    await one.take({ id: "c" });
    await one.take({ id: "w" });
    await one.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: true });
    expect(await one.take({ id: "w" })).toMatchObject({ status: "granted" });
    await one.store.releaseAll(null);
    await one.store.inspect(["a"]);
  });
});

test("a wrong password, and a database that does not exist, are LOCK_UNAVAILABLE at start, and say so", async () => {
  const wrong = new URL(database.url);
  wrong.password = "wrong";
  await expect(instance({ connectionString: wrong.href })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("password"),
  });
  const none = new URL(database.url);
  none.pathname = "/nowhere";
  await expect(instance({ connectionString: none.href })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("does not exist"),
  });
});

test.each([
  { mode: "rows", sessions: 0 },
  { mode: "session", sessions: 2 },
])("limits and defaults that are set on the database do not reach it, mode: $mode", async ({ sessions }) => {
  const name = `lock_test_${Math.random().toString(36).slice(2)}`;
  const admin = new pg.Client(serverUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  for (const setting of [
    "default_transaction_isolation = 'repeatable read'",
    "default_transaction_read_only = on",
    "statement_timeout = 100",
    "lock_timeout = 100",
    "idle_in_transaction_session_timeout = 100",
    "idle_session_timeout = 100",
    "synchronous_commit = off",
  ]) {
    await admin.query(`ALTER DATABASE ${name} SET ${setting}`);
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  try {
    await migrate(url.href);
    await using one = await instance({ connectionString: url.href }, { sessions });
    await using other = await instance({ connectionString: url.href }, { sessions });
    const held = claimOf({ keys: ["held"] });
    expect(await one.take(held)).toMatchObject({ status: "granted" });
    // Longer than the limits, the idle connections' and that of a statement that waits for the key.
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => (n % 2 === 0 ? one : other).take({ wait: n > 20 })),
    );
    const blocker = new pg.Client(url.href);
    await blocker.connect();
    await blocker.query(
      "SET statement_timeout = 0; SET idle_session_timeout = 0; SET default_transaction_read_only = off",
    );
    await blocker.query(
      "BEGIN ISOLATION LEVEL READ COMMITTED; SET idle_in_transaction_session_timeout = 0; LOCK TABLE locking",
    );
    const waiting = one.take({ keys: ["later"] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await blocker.query("COMMIT");
    await blocker.end();
    expect(await waiting).toMatchObject({ status: "granted" });
    expect(await other.take({ keys: ["held"], wait: false })).toMatchObject({ status: "busy" });
    expect(await one.release({ by: "grant", grantId: held.id, keys: ["held"], tombstone: false })).toEqual({
      status: "released",
      freed: true,
    });
    expect([one.woken, one.lost]).toEqual([[], []]);
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
});

test("connections that are cut are replaced: what was asked fails, what is asked next does not", async () => {
  const url = new URL(database.url);
  const name = `test-${newId()}`;
  url.searchParams.set("application_name", name);
  await using one = await instance({ connectionString: url.href });
  const held = claimOf({});
  await one.take(held);
  await database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
    name,
  ]);
  await expect.poll(() => one.take(held).catch(() => undefined)).toMatchObject({ status: "granted" });
  await expect.poll(() => one.woken).toContain("*");
});

test("a reply that is lost is asked for again, and takes nothing twice", async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  await using one = await instance({ connectionString: target.href }, { connections: 1, push: false });
  const claim = claimOf({ keys: ["lost"] });
  const lost = proxy.loseReply();
  await expect(one.take(claim)).rejects.toThrow(/ECONNRESET|terminated/);
  await lost;
  expect(await one.take(claim)).toMatchObject({ status: "granted", grantId: claim.id });
  expect(await one.store.inspect(["lost"])).toMatchObject([{ holders: [{}] }]);
});

test("a server that does not answer is LOCK_UNAVAILABLE in bounded time, and used again once it does", async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  const locking = await createLocking({
    providers: [
      postgresProvider({ connectionString: target.href, namespace: newId(), callTimeout: "300ms" }),
    ],
    logger: silent,
  });
  proxy.stall();
  const startedAt = performance.now();
  await expect(locking.execute("k", async () => {}, { timeout: "1s" })).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
  });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  proxy.resume();
  await expect(locking.execute("k", async () => "done", { timeout: 10 })).resolves.toBe("done");
  await proxy.refuse();
  proxy.cut();
  await expect(locking.acquire("k", { expire: 1 })).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
  await proxy.restore();
  await expect(locking.execute("k", async () => "done", { timeout: 10 })).resolves.toBe("done");
  await locking.close();
});
