import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { instance, newId, type Instance } from "./instance.ts";

let database: TestDatabase;
let one: Instance;
let other: Instance;

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

beforeEach(async () => {
  await database.query("TRUNCATE locking, locking_queue, locking_withdrawn");
  const namespace = newId();
  one = await instance({ connectionString: database.url }, { namespace });
  other = await instance({ connectionString: database.url }, { namespace });
  return async () => {
    await one.store.close();
    await other.store.close();
  };
});

const token = (reply: unknown): bigint => (reply as { token: bigint }).token;

describe("a claim", () => {
  test("is granted when nobody holds its key, and repeating it answers the same", async () => {
    const first = await one.take({ id: "c1" });
    expect(first).toEqual({ status: "granted", grantId: "c1", token: expect.any(BigInt), remaining: 30_000 });
    const again = await one.take({ id: "c1" });
    expect(again).toMatchObject({ status: "granted", grantId: "c1", token: token(first) });
  });

  test("is refused with the owner and the time when it does not wait", async () => {
    await one.take({ ownerId: "alice", lease: 10_000 });
    const busy = await other.take({ wait: false });
    expect(busy).toEqual({ status: "busy", ownerId: "alice", freeIn: expect.any(Number) });
    expect((busy as { freeIn: number }).freeIn).toBeGreaterThan(9_000);
  });

  test("takes all of its keys or none", async () => {
    await one.take({ keys: ["b"] });
    expect(await other.take({ keys: ["c", "b", "a"], wait: false })).toMatchObject({ status: "busy" });
    expect(await other.take({ keys: ["a"], wait: false })).toMatchObject({ status: "granted" });
    expect(await other.take({ keys: ["c"], wait: false })).toMatchObject({ status: "granted" });
  });

  test("gets a greater token than every earlier grant of any of its keys", async () => {
    let last = 0n;
    for (const keys of [["a"], ["b"], ["a", "b"], ["b"], ["a"]]) {
      const reply = await one.take({ id: newId(), keys });
      expect(token(reply)).toBeGreaterThan(last);
      last = token(reply);
      await one.release({ by: "grant", grantId: (reply as { grantId: string }).grantId, keys, tombstone: false });
    }
  });

  test("finds an expired lock free", async () => {
    await one.take({ lease: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await other.take({ wait: false })).toMatchObject({ status: "granted" });
  });

  test("without end lasts without end", async () => {
    expect(await one.take({ id: "c", lease: Infinity })).toMatchObject({ status: "granted", remaining: Infinity });
    expect(await one.take({ id: "c", lease: Infinity })).toMatchObject({ status: "granted", remaining: Infinity });
    expect(await one.take({ wait: false })).toMatchObject({ status: "busy", freeIn: Infinity });
    expect(await one.store.inspect(["a"])).toMatchObject([{ holders: [{ remaining: Infinity }] }]);
    expect(await one.store.renew([{ grantId: "c", keys: ["a"], lease: 1_000 }])).toEqual([{ status: "renewed", remaining: 1_000 }]);
  });

  test("shares with claims of the same limit, as many as it says, and with no others", async () => {
    expect(await one.take({ limit: 2 })).toMatchObject({ status: "granted" });
    expect(await one.take({ limit: Infinity, wait: false })).toMatchObject({ status: "busy" });
    expect(await one.take({ limit: 2, wait: false })).toMatchObject({ status: "granted" });
    expect(await one.take({ limit: 2, wait: false })).toMatchObject({ status: "busy" });
    expect(await one.take({ keys: ["r"], limit: Infinity })).toMatchObject({ status: "granted" });
    expect(await one.take({ keys: ["r"], limit: Infinity })).toMatchObject({ status: "granted" });
    expect(await one.take({ keys: ["r"], wait: false })).toMatchObject({ status: "busy" });
  });

  test("does not pass an earlier waiter", async () => {
    await one.take({ id: "reader", limit: Infinity });
    await other.take({ id: "writer" });
    expect(await one.take({ limit: Infinity, wait: false })).toMatchObject({ status: "busy" });
    expect(await one.take({ id: "later", limit: Infinity })).toMatchObject({ status: "queued" });
    await one.release({ by: "claim", claimId: "writer", keys: ["a"], tombstone: false });
    expect(await one.handedTo("later")).toMatchObject({ provisional: true });
  });

  test("that was withdrawn is not granted when it arrives late", async () => {
    expect(await one.release({ by: "claim", claimId: "late", keys: ["a"], tombstone: true })).toEqual({ status: "released", freed: false });
    expect(await other.take({ id: "late" })).toEqual({ status: "withdrawn" });
    expect(await other.take({ id: "c", wait: false })).toMatchObject({ status: "granted" });
    await other.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: true });
    expect(await other.take({ id: "c" })).toEqual({ status: "withdrawn" });
  });
});

describe("an owner", () => {
  test("is granted again in place, with the expiry anew or as it was", async () => {
    const first = await one.take({ id: "c1", ownerId: "o", lease: 60_000 });
    expect(await other.take({ id: "c2", ownerId: "o", lease: Infinity, keepLease: true })).toMatchObject({
      status: "granted",
      grantId: "c1",
      token: token(first),
      remaining: expect.closeTo(60_000, -3),
    });
    expect(await other.take({ id: "c3", ownerId: "o", lease: Infinity })).toMatchObject({ grantId: "c1", remaining: Infinity });
    expect(await other.take({ id: "c4", ownerId: "o", limit: 2, wait: false })).toMatchObject({ status: "busy" });
  });

  test("that holds some of the keys queues for the others, and gets one new grant", async () => {
    const first = await one.take({ id: "c1", keys: ["a"], ownerId: "o" });
    await other.take({ id: "x", keys: ["b"] });
    expect(await one.take({ id: "c2", keys: ["a", "b"], ownerId: "o" })).toMatchObject({ status: "queued" });
    expect(await one.store.inspect(["a", "b"])).toMatchObject([{ waiting: 0 }, { waiting: 1 }]);
    await other.release({ by: "grant", grantId: "x", keys: ["b"], tombstone: false });
    const handed = await one.handedTo("c2");
    expect(handed.token).toBeGreaterThan(token(first));
    expect(await one.store.renew([{ grantId: "c1", keys: ["a"], lease: 1_000 }])).toEqual([{ status: "lost" }]);
    expect(await one.store.renew([{ grantId: "c2", keys: ["a", "b"], lease: 1_000 }])).toEqual([{ status: "renewed", remaining: 1_000 }]);
    expect(await other.release({ by: "owner", ownerId: "o", keys: ["b", "a"] })).toEqual({ status: "released", freed: true });
  });

  test("gets back what it held when the claim on more is withdrawn", async () => {
    const first = await one.take({ id: "c1", keys: ["a"], ownerId: "o", lease: 60_000 });
    await one.take({ id: "c2", keys: ["b", "a"], ownerId: "o", lease: 1_000 });
    expect(await one.release({ by: "claim", claimId: "c2", keys: ["b", "a"], tombstone: false })).toEqual({ status: "released", freed: true });
    expect(await one.store.inspect(["a", "b"])).toMatchObject([
      { holders: [{ ownerId: "o", fencingToken: token(first), remaining: expect.closeTo(60_000, -3) }] },
      { holders: [] },
    ]);
    expect(await one.release({ by: "grant", grantId: "c1", keys: ["a"], tombstone: false })).toEqual({ status: "released", freed: true });
  });

  test("that holds the keys under several grants gets one with a new token", async () => {
    await one.take({ id: "c1", keys: ["a"], ownerId: "o" });
    const second = await one.take({ id: "c2", keys: ["b"], ownerId: "o" });
    const both = await one.take({ id: "c3", keys: ["a", "b"], ownerId: "o" });
    expect(both).toMatchObject({ status: "granted", grantId: "c3" });
    expect(token(both)).toBeGreaterThan(token(second));
  });

  test("whose claims wait for the same key has the second told to ask when the first is granted", async () => {
    await other.take({ id: "x" });
    await one.take({ id: "c1", ownerId: "o" });
    await one.take({ id: "c2", ownerId: "o" });
    await other.release({ by: "grant", grantId: "x", keys: ["a"], tombstone: false });
    await one.handedTo("c1");
    await expect.poll(() => one.woken).toContain("c2");
    expect(await one.take({ id: "c2", ownerId: "o" })).toMatchObject({ status: "granted", grantId: "c1" });
    expect(await one.store.inspect(["a"])).toMatchObject([{ waiting: 0, holders: [{ ownerId: "o" }] }]);
  });

  test("frees of each key what it holds, and is told whether that was something of every key", async () => {
    await one.take({ keys: ["a"], ownerId: "o" });
    await one.take({ keys: ["b"], ownerId: "p" });
    expect(await one.release({ by: "owner", ownerId: "o", keys: ["a", "b"] })).toEqual({ status: "released", freed: false });
    expect(await one.store.inspect(["a", "b"])).toMatchObject([{ holders: [] }, { holders: [{ ownerId: "p" }] }]);
    expect(await one.release({ by: "owner", ownerId: null, keys: ["b"] })).toEqual({ status: "released", freed: false });
  });

  test("frees all it holds, in slices, and nobody else's", async () => {
    const keys = Array.from({ length: 1_200 }, (_, n) => `k${n}`);
    for (let n = 0; n < keys.length; n += 400) await one.take({ keys: keys.slice(n, n + 400), ownerId: "o" });
    await one.take({ keys: ["other"], ownerId: "p" });
    await one.store.releaseAll("o");
    const left = await database.query("SELECT owner_id FROM locking WHERE owner_id IN ('o', 'p')");
    expect(left).toEqual([{ owner_id: "p" }]);
  });
});

describe("a waiter", () => {
  test("of the releasing instance is told in the reply, one of another by a notification to it alone", async () => {
    await one.take({ id: "h" });
    expect(await one.take({ id: "w1" })).toMatchObject({ status: "queued", checkIn: expect.closeTo(30_000, -3) });
    await other.take({ id: "w2" });
    await one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(one.handovers).toMatchObject([{ claimId: "w1" }]);
    await one.release({ by: "grant", grantId: "w1", keys: ["a"], tombstone: false });
    await other.handedTo("w2");
    expect(one.handovers).toHaveLength(1);
    expect(other.handovers).toHaveLength(1);
  });

  test("handed over is provisional until it asks again", async () => {
    await one.take({ id: "h" });
    const queued = await other.take({ id: "w", lease: 60_000 });
    await one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(await other.handedTo("w")).toMatchObject({
      ticket: (queued as { ticket: number }).ticket,
      remaining: 8_000,
      provisional: true,
    });
    const [state] = await one.store.inspect(["a"]);
    expect(state?.holders[0]?.remaining).toBeLessThanOrEqual(8_000);
    const confirmed = await other.take({ id: "w", lease: 60_000 });
    expect(confirmed).toMatchObject({ status: "granted", remaining: 60_000, token: other.handovers[0]?.token });
  });

  test("keeps its ticket while it asks, and queues anew behind the others when its place has ended", async () => {
    await one.take({ id: "h" });
    const first = await other.take({ id: "w1" });
    const second = await other.take({ id: "w2" });
    expect(await other.take({ id: "w1" })).toMatchObject({ ticket: (first as { ticket: number }).ticket });
    await database.query("UPDATE locking_queue SET expires_at = clock_timestamp() WHERE claim_id = 'w1'");
    const anew = await other.take({ id: "w1" });
    expect((anew as { ticket: number }).ticket).toBeGreaterThan((second as { ticket: number }).ticket);
    await one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    await other.handedTo("w2");
    expect(other.handovers).toHaveLength(1);
  });

  test("that is dead is skipped, and leaves no row", async () => {
    await one.take({ id: "h" });
    await other.take({ id: "dead" });
    await other.take({ id: "w" });
    await database.query("UPDATE locking_queue SET expires_at = clock_timestamp() WHERE claim_id = 'dead'");
    await one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    await other.handedTo("w");
    expect(await database.query("SELECT claim_id FROM locking_queue WHERE claim_id IN ('dead', 'w')")).toEqual([]);
  });

  test("that asks after a lease has ended is granted, and hands on to those that share", async () => {
    await one.take({ lease: 30 });
    await one.take({ id: "r1", limit: Infinity });
    await other.take({ id: "r2", limit: Infinity });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await other.take({ id: "r2", limit: Infinity })).toMatchObject({ status: "granted", remaining: 30_000 });
    await one.handedTo("r1");
  });

  test("on many keys is handed all of them at once, when the last is free", async () => {
    await one.take({ id: "ha", keys: ["a"] });
    await one.take({ id: "hb", keys: ["b"] });
    await other.take({ id: "w", keys: ["b", "a"] });
    expect(await one.take({ id: "later", keys: ["b"] })).toMatchObject({ status: "queued" });
    await one.release({ by: "grant", grantId: "hb", keys: ["b"], tombstone: false });
    expect(await one.store.inspect(["b"])).toMatchObject([{ holders: [], waiting: 2 }]);
    await one.release({ by: "grant", grantId: "ha", keys: ["a"], tombstone: false });
    await other.handedTo("w");
    await other.release({ by: "grant", grantId: "w", keys: ["a", "b"], tombstone: false });
    await one.handedTo("later");
  });

  test("that leaves lets those behind it go on, on all of its keys", async () => {
    await one.take({ id: "reader", keys: ["b"], limit: Infinity });
    await one.take({ id: "ha", keys: ["a"] });
    await other.take({ id: "w", keys: ["a", "b"] });
    expect(await one.take({ id: "behind", keys: ["b"], limit: Infinity })).toMatchObject({ status: "queued" });
    expect(await other.release({ by: "claim", claimId: "w", keys: ["a", "b"], tombstone: true })).toEqual({ status: "released", freed: true });
    await one.handedTo("behind");
  });

  test("is handed what releaseAll frees", async () => {
    await one.take({ keys: ["a"] });
    await other.take({ id: "w" });
    await one.store.releaseAll(null);
    await other.handedTo("w");
  });
});

describe("the first waiter is told when a lease in its way comes to end sooner than it knows", () => {
  test("by a renewal", async () => {
    await one.take({ id: "h" });
    await one.take({ id: "w1" });
    await other.take({ id: "w2" });
    expect(await one.store.renew([{ grantId: "h", keys: ["a"], lease: 1_000 }])).toEqual([{ status: "renewed", remaining: 1_000 }]);
    expect(one.woken).toEqual(["w1"]);
    await one.store.renew([{ grantId: "h", keys: ["a"], lease: 1_500 }]);
    expect([...one.woken, ...other.woken]).toEqual(["w1"]);
  });

  test("by granting again in place", async () => {
    await one.take({ ownerId: "o" });
    await one.take({ id: "w" });
    await one.take({ ownerId: "o", lease: 1_000 });
    expect(one.woken).toEqual(["w"]);
  });

  test("by a hand-over", async () => {
    await one.take({ id: "h" });
    await one.take({ id: "w1", lease: 1_000 });
    await one.take({ id: "w2" });
    await one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(one.handovers).toMatchObject([{ claimId: "w1", remaining: 1_000 }]);
    expect(one.woken).toEqual(["w2"]);
  });
});

describe("a batch", () => {
  test("answers each request by itself and in order", async () => {
    const claim = (id: string, keys: string[], more = {}) => ({
      id, keys, ownerId: null, kind: "execute" as const, limit: 1, lease: 30_000, keepLease: false, wait: false, ...more,
    });
    const replies = await one.store.take([
      claim("1", ["a"]), claim("2", ["a"]), claim("3", ["b", "c"]), claim("4", ["c"], { wait: true }), claim("5", ["d"]), claim("1", ["a"]),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(["granted", "busy", "granted", "queued", "granted", "granted"]);
    expect(await one.store.renew([
      { grantId: "1", keys: ["a"], lease: 1_000 }, { grantId: "2", keys: ["a"], lease: 1_000 }, { grantId: "3", keys: ["b", "c"], lease: 1_000 },
      { grantId: "3", keys: ["b", "d"], lease: 1_000 },
    ])).toMatchObject([{ status: "renewed" }, { status: "lost" }, { status: "renewed" }, { status: "lost" }]);
    expect(await one.store.release([
      { by: "grant", grantId: "1", keys: ["a"], tombstone: false },
      { by: "grant", grantId: "1", keys: ["a"], tombstone: false },
      { by: "grant", grantId: "3", keys: ["b", "c"], tombstone: false },
      { by: "claim", claimId: "4", keys: ["c"], tombstone: true },
    ])).toEqual([true, false, true, true].map((freed) => ({ status: "released", freed })));
  });

  test("of more keys than one call may lock goes in several", async () => {
    const claims = Array.from({ length: 7 }, (_, n) => ({
      id: `many${n}`, keys: Array.from({ length: 150 }, (__, k) => `${n}-${k}`),
      ownerId: null, kind: "execute" as const, limit: 1, lease: 30_000, keepLease: false, wait: false,
    }));
    const replies = await one.store.take(claims);
    expect(replies.every(({ status }) => status === "granted")).toBe(true);
  });
});
