import { createLocking, type Locking } from "@lock/core";
import { startProxy, type FaultProxy } from "@lock/testkit";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function behindProxy(): Promise<{ proxy: FaultProxy; url: string }> {
  const url = new URL(database.url);
  const proxy = await startProxy({ host: url.hostname, port: Number(url.port) });
  onTestFinished(() => proxy.close());
  url.host = `${proxy.host}:${proxy.port}`;
  return { proxy, url: url.href };
}

async function connected(options: PostgresProviderOptions): Promise<Locking> {
  const locking = await createLocking({ providers: [postgresProvider(options)], logger: silent });
  onTestFinished(() => locking.close({ drain: "0ms" }));
  return locking;
}

const rowsOf = (namespace: string): Promise<unknown> =>
  database.query(
    "SELECT key FROM locking WHERE namespace = $1 UNION ALL SELECT key FROM locking_queue WHERE namespace = $1",
    [namespace],
  );

test("a renewal that was carried out and not heard of is asked for again: same grant, its lease anew", async () => {
  const { proxy, url } = await behindProxy();
  const namespace = newId();
  await using one = await instance({ connectionString: url }, { connections: 1, push: false, namespace });
  const claim = claimOf({ lease: 10_000 });
  const taken = await one.take(claim);
  const renewal = { grantId: claim.id, keys: claim.keys, lease: 60_000 };
  const lost = proxy.loseReply();
  await expect(one.store.renew([renewal])).rejects.toThrow(/ECONNRESET|terminated/);
  await lost;
  // It was carried out.
  const [state] = await database.query(
    "SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 AS rest FROM locking WHERE namespace = $1",
    [namespace],
  );
  expect(state?.["rest"]).toBeGreaterThan(30);
  expect(await one.store.renew([renewal])).toMatchObject([{ status: "renewed" }]);
  expect(await one.take(claim)).toEqual({ ...taken, remaining: expect.any(Number) as number });
});

test("a job goes on whose renewals are lost on the way back, with the same lock", async () => {
  const { proxy, url } = await behindProxy();
  const namespace = newId();
  const locking = await connected({ connectionString: url, namespace, mode: "rows", push: false });
  await locking.execute(
    "k",
    async (lock) => {
      for (let turn = 0; turn < 2; turn += 1) await proxy.loseReply();
      lock.assertHeld();
      expect((await locking.inspect("k"))[0]?.holders).toMatchObject([{ fencingToken: lock.fencingToken }]);
    },
    { expire: "3s" },
  );
  expect(await rowsOf(namespace)).toEqual([]);
});

test.each(["session", "rows"] as const)(
  "a release that was carried out and not heard of passes the lock on once, and frees nobody else's, mode: %s",
  async (mode) => {
    const { proxy, url } = await behindProxy();
    const namespace = newId();
    const [one, other] = [
      await connected({ connectionString: url, namespace, mode, push: false }),
      await connected({ connectionString: database.url, namespace, mode }),
    ];
    const lock = await one.acquire("k", { ownerId: "one" });
    const next = other.acquire("k", { ownerId: "other", awaitQueue: true, timeout: 10 });
    await expect.poll(async () => (await other.inspect("k"))[0]?.waiting).toBe(1);
    const lost = proxy.loseReply();
    const released = lock.release().catch((error: { code: string }) => error.code);
    await lost;
    const heir = await next;
    // Asked again, it finds the lock gone, which is no proof that it was freed by this call.
    expect([true, false, "LOCK_UNAVAILABLE"]).toContain(await released);
    heir.assertHeld();
    expect((await other.inspect("k"))[0]).toMatchObject({ holders: [{ ownerId: "other" }], waiting: 0 });
    expect(await heir.release()).toBe(true);
    expect(await rowsOf(namespace)).toEqual([]);
  },
);

test("a bare lock whose release was not heard of is nobody's afterwards", async () => {
  const { proxy, url } = await behindProxy();
  const namespace = newId();
  const [one, other] = [
    await connected({ connectionString: url, namespace, mode: "session", sessions: 1, push: false }),
    await connected({ connectionString: database.url, namespace, mode: "session" }),
  ];
  let lost: Promise<void> | undefined;
  const job = one.execute("k", () => {
    lost = proxy.loseReply();
  });
  // The connection that told of the release is the one that the lock lived with: it can't be known whether it was held to the end.
  await expect(job).rejects.toMatchObject({ code: "LOCK_LOST" });
  await lost;
  expect(await other.execute("k", () => "ran", { timeout: 5 })).toBe("ran");
  expect(await rowsOf(namespace)).toEqual([]);
});

test("a bare lock whose taking was not heard of is taken again, once, and nobody's afterwards", async () => {
  const { proxy, url } = await behindProxy();
  const namespace = newId();
  const [one, other] = [
    await connected({ connectionString: url, namespace, mode: "session", sessions: 1, push: false }),
    await connected({ connectionString: database.url, namespace, mode: "session" }),
  ];
  const lost = proxy.loseReply();
  let runs = 0;
  await one.execute("k", async (lock) => {
    runs += 1;
    await lost;
    lock.assertHeld();
    await expect(other.acquire("k")).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  });
  expect(runs).toBe(1);
  expect(await other.execute("k", () => "ran", { timeout: 5 })).toBe("ran");
  expect(await rowsOf(namespace)).toEqual([]);
});

test.each(["session", "rows"] as const)(
  "a lock that was bound to a transaction, which was not heard of, is refused and nobody's afterwards, mode: %s",
  async (mode) => {
    const { proxy, url } = await behindProxy();
    const namespace = newId();
    const [one, other] = [
      await connected({ connectionString: url, namespace, mode, push: false }),
      await connected({ connectionString: database.url, namespace, mode }),
    ];
    const client = new pg.Client(database.url);
    await client.connect();
    onTestFinished(() => client.end());
    await client.query("BEGIN");
    let lost: Promise<void> | undefined;
    const query = async (text: string): Promise<unknown> => {
      const reply = await client.query(text);
      // What follows is said to the tables: that the grant lives with this transaction.
      lost = proxy.loseReply();
      return reply;
    };
    const refused = one.acquire("k", {}, { transactionManager: { query } });
    await expect(refused).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    await lost;
    // Though the transaction goes on.
    expect(await other.execute("k", () => "ran", { timeout: 5 })).toBe("ran");
    await client.query("COMMIT");
    expect(await rowsOf(namespace)).toEqual([]);
  },
);
