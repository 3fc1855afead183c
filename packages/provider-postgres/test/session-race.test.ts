import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Book, obtain, shuffled } from "./book.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId, type Instance } from "./instance.ts";

let database: TestDatabase;
let instances: Instance[];

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  const namespace = newId();
  const of = (sessions: number): Promise<Instance> =>
    instance({ connectionString: database.url }, { namespace, sessions });
  // Two whose locks live with sessions, one with leases.
  instances = await Promise.all([of(2), of(1), of(0)]);
  return async () => {
    await Promise.all(instances.map((each) => each.store.close()));
  };
});

const at = (n: number): Instance => instances[n % instances.length] as Instance;

test("bare locks and rows exclude each other, whoever comes first: no key is ever held twice", async () => {
  const book = new Book();
  const until = performance.now() + 4_000;
  let bare = 0;
  let rows = 0;
  await Promise.all(
    Array.from({ length: 24 }, async (_, caller) => {
      const own = at(caller);
      while (performance.now() < until || Math.min(bare, rows) <= 10) {
        const keys = shuffled(["a", "b", "c", "d"]).slice(0, Math.random() < 0.7 ? 1 : 2);
        const kind = Math.random() < 0.3 ? ("acquire" as const) : ("execute" as const);
        const claim = claimOf({ keys, kind, wait: false });
        const reply = await own.take(claim);
        if (reply.status !== "granted") continue;
        if (reply.remaining === Infinity) bare += 1;
        else rows += 1;
        book.enter(keys, 1, reply.token as bigint);
        if (Math.random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
        book.leave(keys);
        expect(await own.release({ by: "grant", grantId: claim.id, keys, tombstone: false })).toEqual({
          status: "released",
          freed: true,
        });
      }
    }),
  );
  expect(book.violations).toBe(0);
  expect(await database.query("SELECT key FROM locking UNION ALL SELECT key FROM locking_queue")).toEqual([]);
}, 20_000);

test("who waits behind a bare lock, a row or a shared lock gets in by its turn, and nothing deadlocks", async () => {
  const book = new Book();
  await Promise.all(
    Array.from({ length: 30 }, async (_, caller) => {
      const own = at(caller);
      for (let round = 0; round < 6; round += 1) {
        const limit = Math.random() < 0.3 ? Infinity : 1;
        const keys = shuffled(["a", "b", "c", "d", "e"]).slice(0, 1 + Math.floor(Math.random() * 3));
        const claim = claimOf({ keys, limit });
        const { token } = await obtain(own, claim);
        book.enter(keys, limit, token);
        const writers = limit === 1 ? keys.map((key) => `writer of ${key}`) : [];
        for (const key of keys) {
          const inside = book.inside.get(key) as number;
          const exclusive = book.inside.get(`writer of ${key}`) ?? 0;
          if (exclusive > 0 || (limit === 1 && inside > 1)) book.violations += 1;
        }
        book.enter(writers, 1, token);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        book.leave(writers);
        book.leave(keys);
        await own.release({ by: "grant", grantId: claim.id, keys, tombstone: false });
      }
    }),
  );
  expect(book.violations).toBe(0);
  expect(await database.query("SELECT key FROM locking UNION ALL SELECT key FROM locking_queue")).toEqual([]);
}, 60_000);

test("a bare lock is handed on to who waits, of another instance too, and what comes after stays in order", async () => {
  const holder = claimOf({});
  expect(await at(0).take(holder)).toMatchObject({ status: "granted", remaining: Infinity });
  expect(await database.query("SELECT FROM locking")).toEqual([]);
  const waiters = [0, 1, 2, 0].map((n) => ({ own: at(n), claim: claimOf({}) }));
  for (const { own, claim } of waiters) expect(await own.take(claim)).toMatchObject({ status: "queued" });
  expect(await at(1).take(claimOf({ wait: false }))).toMatchObject({ status: "busy" });
  await at(0).release({ by: "grant", grantId: holder.id, keys: ["a"], tombstone: false });
  let last = 0n;
  for (const { own, claim } of waiters) {
    const { token } = await own.handedTo(claim.id);
    expect(token as bigint).toBeGreaterThan(last);
    last = token as bigint;
    expect(await own.release({ by: "grant", grantId: claim.id, keys: ["a"], tombstone: false })).toEqual({
      status: "released",
      freed: true,
    });
  }
});

test("claims of one tick for the same key are granted in their order, and the bare one is the first", async () => {
  const claims = Array.from({ length: 5 }, () => claimOf({}));
  const replies = await at(0).store.take(claims);
  expect(replies.map(({ status }) => status)).toEqual(["granted", "queued", "queued", "queued", "queued"]);
  const tickets = replies.slice(1).map((reply) => (reply.status === "queued" ? reply.ticket : 0));
  expect(tickets).toEqual([...tickets].sort((one, other) => one - other));
});

test("a release that comes twice in one call frees once, of a bare lock and of a row", async () => {
  for (const own of instances) {
    const [bare, row] = [claimOf({ keys: ["bare"] }), claimOf({ keys: ["row"], limit: 2 })];
    for (const claim of [bare, row]) expect(await own.take(claim)).toMatchObject({ status: "granted" });
    const releases = [bare, row, bare, row].map(({ id, keys }) => ({
      by: "grant" as const,
      grantId: id,
      keys,
      tombstone: false,
    }));
    const freed = (await own.store.release(releases)).map(
      (reply) => reply.status === "released" && reply.freed,
    );
    expect(freed).toEqual([true, true, false, false]);
  }
});
