import { createLocking, type Locking } from "@lock/core";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type * as KeyHash from "../src/key-hash.ts";
import { knownHash } from "../src/key-hash.ts";
import { postgresProvider } from "../src/provider.ts";
import { Book, obtain, shuffled } from "./book.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

// "a" and "A" have one hash, and so have "b" and "B"; to the server they are told apart by their text alone.
vi.mock("../src/key-hash.ts", async (importOriginal) => {
  const original = await importOriginal<typeof KeyHash>();
  return {
    keyHash: (namespace: string, key: string) => original.keyHash(namespace, key.toLowerCase()),
    knownHash: (namespace: string, key: string) => original.knownHash(namespace, key.toLowerCase()),
  };
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const left = "SELECT key FROM locking UNION ALL SELECT key FROM locking_queue";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.query("TRUNCATE locking, locking_queue, locking_withdrawn"));

test("keys of one hash, held bare, by rows and many at once, delay each other and no more", async () => {
  expect(knownHash("n", "a")).toEqual(knownHash("n", "A"));
  const namespace = newId();
  const of = (sessions: number) => instance({ connectionString: database.url }, { namespace, sessions });
  await using one = await of(2);
  await using two = await of(1);
  await using three = await of(0);
  const instances = [one, two, three];
  const book = new Book();
  await Promise.all(
    Array.from({ length: 24 }, async (_, caller) => {
      const own = instances[caller % instances.length] as typeof one;
      for (let round = 0; round < 6; round += 1) {
        const keys = shuffled(["a", "A", "b", "B", "c"]).slice(0, 1 + Math.floor(Math.random() * 3));
        const claim = claimOf({ keys });
        // A call that the server ends for a deadlock is rejected here.
        const { token } = await obtain(own, claim);
        book.enter(keys, 1, token);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        book.leave(keys);
        await own.release({ by: "grant", grantId: claim.id, keys, tombstone: false });
      }
    }),
  );
  expect(book.violations).toBe(0);
  expect(await database.query(left)).toEqual([]);
}, 60_000);

test.each(["session", "rows"] as const)(
  "who wants a key of which another with its hash is held has it in the end, mode: %s",
  async (mode) => {
    const namespace = newId();
    const connected = (): Promise<Locking> =>
      createLocking({
        providers: [postgresProvider({ connectionString: database.url, namespace, mode })],
        logger: silent,
      });
    await using one = await connected();
    await using other = await connected();
    await using client = Object.assign(new pg.Client(database.url), {
      async [Symbol.asyncDispose]() {
        await client.end();
      },
    });
    await client.connect();
    const order: string[] = [];
    let waiting: Promise<unknown>[] = [];
    await one.execute("a", async () => {
      waiting = [one, other].map((each) => each.execute("A", () => order.push("A"), { timeout: 10 }));
      await client.query("BEGIN");
      waiting.push(
        other.acquire("A", { awaitQueue: true, timeout: 10 }, { transactionManager: client }).then(() => {
          order.push("A");
          return client.query("COMMIT");
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    await Promise.all(waiting);
    expect(order).toEqual(["A", "A", "A"]);
    // Both at once, and one more of which nobody knows.
    await one.execute(["a", "A", "c"], () => {});
    // By rows they never meet.
    await using held = await one.acquire("a", { ownerId: "o" });
    await other.acquire("A", { ownerId: "o" });
    held.assertHeld();
    expect(await other.release(["a", "A"], { ownerId: "o" })).toBe(true);
    expect(await database.query(left)).toEqual([]);
  },
  40_000,
);
