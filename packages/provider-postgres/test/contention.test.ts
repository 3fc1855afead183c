import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
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
  instances = await Promise.all(
    Array.from({ length: 4 }, () =>
      instance({ connectionString: database.url }, { namespace, connections: 3 }),
    ),
  );
});
afterEach(() => Promise.all(instances.map((each) => each.store.close())));

test("50 callers with overlapping keys in any order neither deadlock nor overlap, and leave nothing behind", async () => {
  const book = new Book();
  const all = ["a", "b", "c", "d", "e", "f"];
  await Promise.all(
    Array.from({ length: 50 }, async (_, caller) => {
      const at = instances[caller % instances.length] as Instance;
      for (let round = 0; round < 8; round += 1) {
        const keys = shuffled(all).slice(0, 1 + Math.floor(Math.random() * 4));
        const claim = claimOf({ keys });
        const { token } = await obtain(at, claim);
        book.enter(keys, 1, token);
        await new Promise((resolve) => setImmediate(resolve));
        book.leave(keys);
        const by =
          Math.random() < 0.8
            ? { by: "grant" as const, grantId: claim.id }
            : { by: "claim" as const, claimId: claim.id };
        expect(await at.release({ ...by, keys, tombstone: Math.random() < 0.2 })).toEqual({
          status: "released",
          freed: true,
        });
      }
    }),
  );
  expect(book.violations).toBe(0);
  expect(await database.query("SELECT key FROM locking UNION ALL SELECT key FROM locking_queue")).toEqual([]);
}, 60_000);

test("a key that was just taken never seems free: no snapshot is older than the wait for the key", async () => {
  const book = new Book();
  let grants = 0;
  const until = performance.now() + 3_000;
  await Promise.all(
    instances.flatMap((at) =>
      Array.from({ length: 3 }, async () => {
        while (performance.now() < until) {
          const claim = claimOf({ keys: ["hot"], wait: false });
          const reply = await at.take(claim);
          if (reply.status !== "granted") continue;
          grants += 1;
          book.enter(claim.keys, 1, reply.token as bigint);
          if (grants % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          book.leave(claim.keys);
          await at.release({ by: "grant", grantId: claim.id, keys: claim.keys, tombstone: false });
        }
      }),
    ),
  );
  expect(grants).toBeGreaterThan(50);
  expect(book.violations).toBe(0);
});

test("readers and writers take turns, by hand-over alone", async () => {
  const book = new Book();
  let asked = 0;
  let grants = 0;
  await Promise.all(
    Array.from({ length: 24 }, async (_, caller) => {
      const at = instances[caller % instances.length] as Instance;
      for (let round = 0; round < 6; round += 1) {
        const limit = caller % 3 === 0 ? 1 : Infinity;
        const claim = claimOf({ keys: ["k", `own${caller}`], limit });
        const grant = await obtain(at, claim);
        asked += grant.asked;
        grants += 1;
        book.enter(["k"], limit, grant.token);
        if (limit === 1) book.enter(["writer"], 1, grant.token);
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (limit === 1) book.leave(["writer"]);
        book.leave(["k"]);
        await at.release({ by: "grant", grantId: claim.id, keys: claim.keys, tombstone: false });
      }
    }),
  );
  expect(book.violations).toBe(0);
  expect(asked / grants).toBeLessThan(1.05);
});

test("a batch of 100 with keys of other batches, from several connections at once, deadlocks nobody", async () => {
  await Promise.all(
    Array.from({ length: 8 }, async (_, caller) => {
      const { store } = instances[caller % instances.length] as Instance;
      for (let round = 0; round < 5; round += 1) {
        const claims = Array.from({ length: 100 }, () =>
          claimOf({
            keys: shuffled(Array.from({ length: 60 }, (__, n) => `k${n}`)).slice(0, 3),
            wait: false,
          }),
        );
        const replies = await store.take(claims);
        const held = claims.filter((__, n) => replies[n]?.status === "granted");
        const keys = held.flatMap((claim) => claim.keys);
        expect(new Set(keys).size).toBe(keys.length);
        const freed = await store.release(
          shuffled(held).map(({ id, keys: of }) => ({
            by: "grant" as const,
            grantId: id,
            keys: of,
            tombstone: false,
          })),
        );
        expect(freed.every((reply) => reply.status === "released" && reply.freed)).toBe(true);
      }
    }),
  );
}, 30_000);
