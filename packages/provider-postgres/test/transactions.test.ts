import { createLocking, type Locking } from "@lock/core";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { postgresProvider } from "../src/provider.ts";
import { shuffled } from "./book.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const refused = { code: "LOCK_NOT_ACQUIRED" };

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
  await database.query("CREATE TABLE stock (id text PRIMARY KEY, pieces integer NOT NULL)");
  await database.query("INSERT INTO stock VALUES ('a', 0), ('b', 0), ('c', 0)");
  await database.query("CREATE TABLE shelf AS SELECT id, 0 AS looks FROM generate_series(0, 4) AS id");
});
afterAll(() => database[Symbol.asyncDispose]());

describe.each(["session", "rows"] as const)("mode: %s", (mode) => {
  let locking: Locking;
  let other: Locking;
  let client: pg.Client;

  beforeEach(async () => {
    const namespace = newId();
    const connected = (): Promise<Locking> =>
      createLocking({
        providers: [postgresProvider({ connectionString: database.url, namespace, mode })],
        logger: silent,
      });
    [locking, other] = await Promise.all([connected(), connected()]);
    client = new pg.Client(database.url);
    await client.connect();
    return async () => {
      await client.end();
      await locking.close();
      await other.close();
    };
  });

  test.each(["COMMIT", "ROLLBACK"])(
    "a lock is held until %s, and who waits has it within 1 s",
    async (end) => {
      await client.query("BEGIN");
      const lock = await locking.acquire("k", { expire: "1s" }, { transactionManager: client });
      expect(await lock.release()).toBe(false);
      let inside = false;
      const waiting = other.execute("k", () => {
        inside = true;
        return performance.now();
      });
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      expect(inside).toBe(false);
      await expect(other.acquire("k", { ownerId: "o" })).rejects.toMatchObject(refused);
      const ended = performance.now();
      await client.query(end);
      expect((await waiting) - ended).toBeLessThan(1_000);
    },
  );

  test("it goes with the savepoint after which it was taken", async () => {
    await client.query("BEGIN");
    await locking.acquire("kept", {}, { transactionManager: client });
    await client.query("SAVEPOINT s");
    await locking.acquire("undone", {}, { transactionManager: client });
    await client.query("ROLLBACK TO SAVEPOINT s");
    await other.acquire("undone");
    await expect(other.acquire("kept")).rejects.toMatchObject(refused);
    await client.query("COMMIT");
    await other.acquire("kept");
  });

  test("a key that its own transaction holds is refused at once to who would wait for it", async () => {
    const transactionManager = client;
    const waits = { awaitQueue: true, timeout: 15 } as const;
    const reentrant = { code: "LOCK_REENTRANT", message: containing('"k"') };
    await client.query("BEGIN");
    await locking.acquire(["k", "l"], {}, { transactionManager });
    const before = performance.now();
    await expect(locking.acquire(["j", "k"], waits, { transactionManager })).rejects.toMatchObject(reentrant);
    await expect(locking.execute("k", () => {}, waits, { transactionManager })).rejects.toMatchObject(
      reentrant,
    );
    expect(performance.now() - before).toBeLessThan(3_000);
    // By the rule for who does not wait: two without an owner are strangers.
    await expect(locking.acquire("k", {}, { transactionManager })).rejects.toMatchObject(refused);
    expect(await other.inspect(["j", "k"])).toMatchObject([{ holders: [], waiting: 0 }, { waiting: 0 }]);
    // What is held no more is no reason to refuse.
    await client.query("COMMIT; BEGIN");
    await locking.acquire("k", waits, { transactionManager });
    await client.query("COMMIT");
  });

  test("so it is in a transaction of drizzle within another, until its savepoint is undone", async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 });
    const waits = { awaitQueue: true, timeout: 15 } as const;
    await drizzle(pool).transaction(async (outer) => {
      await locking.acquire("k", {}, { transactionManager: outer });
      const inner = outer.transaction(async (transactionManager) => {
        await locking.acquire("undone", waits, { transactionManager });
        await locking.acquire("k", waits, { transactionManager });
      });
      await expect(inner).rejects.toMatchObject({ code: "LOCK_REENTRANT" });
      await locking.acquire("undone", waits, { transactionManager: outer });
    });
    await pool.end();
  });

  test("a refusal and a time-out leave the transaction usable", async () => {
    await other.acquire("held", { ownerId: "o" });
    await client.query("BEGIN");
    const context = { transactionManager: client };
    await expect(locking.acquire("held", {}, context)).rejects.toMatchObject(refused);
    await expect(locking.execute("held", () => {}, { timeout: "200ms" }, context)).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
    });
    const stopped = new AbortController();
    const call = locking.execute("held", () => {}, { signal: stopped.signal, timeout: 10 }, context);
    setTimeout(() => stopped.abort(new Error("enough")), 100);
    await expect(call).rejects.toThrow("enough");
    await client.query("UPDATE stock SET pieces = 7 WHERE id = 'c'");
    await client.query("COMMIT");
    expect(await database.query("SELECT pieces FROM stock WHERE id = 'c'")).toEqual([{ pieces: 7 }]);
    expect((await other.inspect("held"))[0]?.waiting).toBe(0);
  });

  test.each(["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])(
    "under %s a key that is held is never granted, whatever the transaction has seen before",
    async (level) => {
      await client.query(`BEGIN ISOLATION LEVEL ${level}`);
      await client.query("SELECT * FROM stock");
      const held = await other.acquire("k", { ownerId: "o" });
      const context = { transactionManager: client };
      await expect(locking.acquire("k", {}, context)).rejects.toMatchObject(refused);
      await held.release();
      let inside = 0;
      let job: Promise<void> | undefined;
      await new Promise<void>((started) => {
        job = other.execute("bare", async () => {
          inside += 1;
          started();
          await new Promise((resolve) => setTimeout(resolve, 100));
          inside -= 1;
        });
      });
      await locking.execute("bare", () => expect(inside).toBe(0), { timeout: 20 }, context);
      await job;
      await locking.acquire("k", {}, context);
      await client.query("COMMIT");
      await other.acquire(["k", "bare"], { ownerId: "o", awaitQueue: true, timeout: 20 });
    },
  );

  test("it keeps the limit that it asks for, together with all others", async () => {
    await client.query("BEGIN");
    await locking.acquire("k", { limit: 2 }, { transactionManager: client });
    await expect(other.acquire("k")).rejects.toMatchObject(refused);
    await other.acquire("k", { limit: 2 });
    await expect(other.acquire("k", { limit: 2 })).rejects.toMatchObject(refused);
    await client.query("COMMIT");
    await other.acquire("k", { limit: 2 });
  });

  test("tokens go on increasing, and inspect tells who holds", async () => {
    const before = await other.execute("k", (lock) => lock.fencingToken);
    await client.query("BEGIN");
    const lock = await locking.acquire("k", {}, { transactionManager: client });
    expect(lock.fencingToken).toBeGreaterThan(before);
    expect(lock.remaining()).toBe(Infinity);
    expect(await other.inspect("k")).toEqual([
      {
        key: "k",
        holders: [{ ownerId: null, fencingToken: lock.fencingToken, limit: 1, remaining: Infinity }],
        waiting: 0,
      },
    ]);
    await client.query("COMMIT");
    expect((await other.inspect("k"))[0]?.holders).toEqual([]);
  });

  test("a transaction of drizzle will do", async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    await drizzle(pool).transaction(async (transactionManager) => {
      await locking.acquire("k", {}, { transactionManager });
      await expect(other.acquire("k")).rejects.toMatchObject(refused);
    });
    await other.acquire("k");
    await pool.end();
  });

  test("a client without a transaction, and what is no client, are refused and leave nothing", async () => {
    for (const transactionManager of [client, {}]) {
      await expect(locking.acquire("k", {}, { transactionManager })).rejects.toMatchObject({
        code: "LOCK_INVALID_ARGUMENT",
      });
      await other.execute("k", () => {}, { timeout: 5 });
    }
    await expect(locking.release("k", {}, { transactionManager: client })).rejects.toMatchObject({
      code: "LOCK_UNSUPPORTED",
    });
  });

  test("a transaction whose connection is cut frees its locks", async () => {
    client.on("error", () => {});
    await client.query("BEGIN");
    const pid = (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    await locking.acquire("k", {}, { transactionManager: client });
    await database.query("SELECT pg_terminate_backend($1)", [pid]);
    await other.execute("k", () => {}, { timeout: 5 });
  });

  test("time limits for its statements are no limits of the wait", async () => {
    const held = await other.acquire("k", { ownerId: "o" });
    await client.query("SET statement_timeout = 50; SET lock_timeout = 50; BEGIN");
    const waiting = locking.acquire("k", { awaitQueue: true, timeout: 10 }, { transactionManager: client });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await held.release();
    await waiting;
    await client.query("COMMIT");
  });

  test("one that the server ends for being idle while it waits gets nothing, and leaves nothing", async () => {
    client.on("error", () => {});
    const held = await other.acquire("k", { ownerId: "o" });
    await client.query("SET idle_in_transaction_session_timeout = 100; BEGIN");
    const waiting = locking
      .acquire("k", { awaitQueue: true, timeout: 10 }, { transactionManager: client })
      .catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await held.release();
    expect(await waiting).toMatchObject({ code: "LOCK_UNAVAILABLE" });
    expect(await other.execute("k", () => "ran", { timeout: 5 })).toBe("ran");
    expect(await other.inspect("k")).toEqual([{ key: "k", holders: [], waiting: 0 }]);
  });

  test("50 callers with keys in any order, each with row locks of its own around, never deadlock in the server", async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 12 });
    const before = await deadlocks();
    let violations = 0;
    const inside = new Map<string, number>();
    await Promise.all(
      Array.from({ length: 50 }, async (_, caller) => {
        const user = await pool.connect();
        try {
          await user.query("BEGIN");
          const keys = shuffled(["a", "b", "c"]).slice(0, 1 + Math.floor(Math.random() * 3));
          const by = caller % 2 === 0 ? locking : other;
          // While it waits for ours it keeps row locks of its own, for which others wait in the server.
          await user.query("UPDATE shelf SET looks = looks + 1 WHERE id = $1", [caller % 5]);
          await by.acquire(keys, { awaitQueue: true, timeout: 60 }, { transactionManager: user });
          for (const key of keys) {
            inside.set(key, (inside.get(key) ?? 0) + 1);
            if (inside.get(key) !== 1) violations += 1;
            await user.query("UPDATE stock SET pieces = pieces + 1 WHERE id = $1", [key]);
          }
          for (const key of keys) inside.set(key, (inside.get(key) as number) - 1);
          await user.query("COMMIT");
        } finally {
          user.release();
        }
      }),
    );
    expect(violations).toBe(0);
    await pool.end();
    // The server counts what a connection met when that ends, or later.
    await Promise.all([locking.close(), other.close()]);
    expect(await deadlocks()).toBe(before);
  }, 90_000);
});

async function deadlocks(): Promise<unknown> {
  const [row] = await database.query(
    "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
  );
  return row?.["deadlocks"];
}
