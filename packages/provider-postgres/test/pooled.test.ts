import { createLocking } from "@lock/core";
import type { Locking } from "@lock/core";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connectionSettings } from "../src/connection-settings.ts";
import { Connection } from "../src/connection.ts";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { claimOf, instance } from "./instance.ts";
import { containing } from "./matchers.ts";
import { pooledServer, type PooledServer } from "./pooled-server.ts";

let server: PooledServer;
beforeAll(async () => {
  // One connection to the server for all clients: whatever is left behind in its session, the next one meets.
  server = await pooledServer({ default_pool_size: 1 });
}, 60_000);
afterAll(() => server?.[Symbol.asyncDispose]());

const infos: string[] = [];
const logger = { debug() {}, info: (text: string) => infos.push(text), warn() {}, error() {} };

async function locking(options: PostgresProviderOptions): Promise<Locking> {
  const made = await createLocking({ providers: [postgresProvider(options)], logger });
  onTestFinished(() => made.close());
  return made;
}

const manifest = (options: PostgresProviderOptions) => {
  const provider = postgresProvider(options);
  onTestFinished(() => provider.close(0));
  return provider.connect({ id: "locking-postgres", logger }).then(() => provider.capabilities);
};

test("is recognised, and served by leases and polling", async () => {
  const { url } = server.pooler;
  expect(await manifest({ connectionString: url })).toMatchObject({ push: false, crashRelease: "lease" });
  expect(infos.join("\n")).toMatch(
    /pooler between "locking-postgres" provider and PostgreSQL: .*leases.*poll/,
  );
  expect(await manifest({ connectionString: server.url })).toMatchObject({
    push: true,
    crashRelease: "session",
  });
});

test("is refused by who asks for sessions or push by name", async () => {
  const { url } = server.pooler;
  const session = postgresProvider({ connectionString: url, mode: "session" });
  await expect(session.connect({ id: "a", logger })).rejects.toMatchObject({
    code: "LOCK_CONFIG",
    message: containing('mode: "rows"'),
  });
  const push = postgresProvider({ connectionString: url, push: true });
  await expect(push.connect({ id: "b", logger })).rejects.toMatchObject({
    code: "LOCK_CONFIG",
    message: containing("listenUrl"),
  });
});

test("a listenUrl that leads through the pooler too, or to another database, is refused", async () => {
  const connectionString = server.pooler.url;
  const through = postgresProvider({ connectionString, listenUrl: connectionString });
  await expect(through.connect({ id: "a", logger })).rejects.toMatchObject({
    code: "LOCK_CONFIG",
    message: containing("through a pooler"),
  });
  const elsewhere = new URL(server.url);
  elsewhere.pathname = "/template1";
  const astray = postgresProvider({ connectionString, listenUrl: elsewhere.href });
  await expect(astray.connect({ id: "b", logger })).rejects.toMatchObject({
    code: "LOCK_CONFIG",
    message: containing("another database"),
  });
  expect(() => postgresProvider({ connectionString, listenUrl: "" })).toThrow("listenUrl must be a URL");
});

test("a listenUrl wakes the waiters, though their statements go through the pooler", async () => {
  const options = { connectionString: server.pooler.url, listenUrl: server.url, namespace: "listen" };
  expect(await manifest(options)).toMatchObject({ push: true, crashRelease: "lease" });
  const [one, other] = [await locking(options), await locking(options)];
  const held = await one.acquire("k");
  const waiter = other.acquire("k", { awaitQueue: true, timeout: 10 });
  await expect.poll(async () => (await one.inspect("k"))[0]?.waiting).toBe(1);
  const before = performance.now();
  await held.release();
  await waiter;
  // By itself it would look three seconds after it asked.
  expect(performance.now() - before).toBeLessThan(1_500);
});

test("excludes who comes to the same server without the pooler, in session mode", async () => {
  const pooled = await locking({ connectionString: server.pooler.url, namespace: "both" });
  const direct = await locking({ connectionString: server.url, namespace: "both" });
  let [running, most, tokens]: [number, number, bigint[]] = [0, 0, []];
  const job = async (lock: { fencingToken: bigint }): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    tokens.push(lock.fencingToken);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
  };
  const all = Array.from({ length: 40 }, (_, n) =>
    (n % 2 === 0 ? pooled : direct).execute("k", job, { timeout: 15 }),
  );
  await Promise.all(all);
  expect(most).toBe(1);
  expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
});

test("leaves nothing in the session of the server, which others use next", async () => {
  const client = new pg.Client({ connectionString: server.pooler.url });
  await client.connect();
  onTestFinished(() => client.end());
  const state = async () => {
    const { rows } = await client.query(`
      SELECT (SELECT json_agg(s ORDER BY s.name) FROM (SELECT name, setting FROM pg_settings WHERE source = 'session') s) AS settings,
             (SELECT count(*) FROM pg_prepared_statements) AS prepared,
             (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks`);
    return rows[0] as object;
  };
  const before = await state();
  const one = await locking({ connectionString: server.pooler.url, namespace: "clean" });
  await one.execute("k", async () => {});
  await using held = await one.acquire(["a", "b"], { ownerId: "u" });
  await expect(one.acquire("a")).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  expect(await state()).toEqual(before);
  expect(held.remaining()).toBe(Infinity);
});

test("a statement that fails leaves its connection in no transaction", async () => {
  await using one = await instance({ connectionString: server.pooler.url }, { connections: 1 });
  const [spoilt] = await Promise.allSettled([one.take({ keys: ["a\0"] })]);
  expect(spoilt.status).toBe("rejected");
  expect(await one.take(claimOf({ keys: ["k"] }))).toMatchObject({ status: "granted" });
});

test("every statement is under the settings that it is correct under, whatever the server's own are", async () => {
  const admin = new pg.Client(server.url);
  await admin.connect();
  onTestFinished(() => admin.end());
  const defaults = {
    synchronous_commit: "off",
    default_transaction_isolation: "serializable",
    default_transaction_read_only: "on",
    statement_timeout: "20s",
    lock_timeout: "20s",
    idle_in_transaction_session_timeout: "20s",
  };
  const alter = async (each: (name: string, value: string) => string): Promise<void> => {
    await admin.query("SET default_transaction_read_only = off");
    for (const [name, value] of Object.entries(defaults)) await admin.query(each(name, value));
    await admin.query("SELECT pg_reload_conf()");
  };
  onTestFinished(() => alter((name) => `ALTER SYSTEM RESET ${name}`));
  const connection = new Connection({
    settings: connectionSettings({ connectionString: server.pooler.url }),
    connections: 1,
    callTimeout: 5_000,
  });
  onTestFinished(() => connection.close());
  await alter((name, value) => `ALTER SYSTEM SET ${name} = '${value}'`);
  const client = new pg.Client(server.pooler.url);
  await client.connect();
  onTestFinished(() => client.end());
  // Others have them by now.
  const show = async () => (await client.query<{ lock_timeout: string }>("SHOW lock_timeout")).rows[0];
  await expect.poll(show).toEqual({ lock_timeout: "20s" });
  const names = [
    "synchronous_commit",
    "transaction_isolation",
    "transaction_read_only",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
  ];
  const text = `SELECT ${names.map((name) => `current_setting('${name}')`).join(", ")}`;
  const call = { name: "", text, values: [] };
  expect(await connection.query(call)).toEqual([["on", "read committed", "off", "5s", "0", "0"]]);
});
