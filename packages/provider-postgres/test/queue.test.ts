import { describe, expect, test } from "vitest";
import { claimOf } from "./instance.ts";
import { about } from "./matchers.ts";
import { twoInstances } from "./two-instances.ts";

const at = twoInstances();

describe("a waiter", () => {
  test("of the releasing instance is told in the reply, one of another by a notification to it alone", async () => {
    await at.one.take({ id: "h" });
    expect(await at.one.take({ id: "w1" })).toMatchObject({
      status: "queued",
      checkIn: about(30_000),
    });
    await at.other.take({ id: "w2" });
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(at.one.handovers).toMatchObject([{ claimId: "w1" }]);
    await at.one.release({ by: "grant", grantId: "w1", keys: ["a"], tombstone: false });
    await at.other.handedTo("w2");
    expect(at.one.handovers).toHaveLength(1);
    expect(at.other.handovers).toHaveLength(1);
  });

  test("handed over is provisional until it asks again", async () => {
    await at.one.take({ id: "h" });
    const queued = await at.other.take({ id: "w", lease: 60_000 });
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(await at.other.handedTo("w")).toMatchObject({
      ticket: (queued as { ticket: number }).ticket,
      remaining: 8_000,
      provisional: true,
    });
    const [state] = await at.one.store.inspect(["a"]);
    expect(state?.holders[0]?.remaining).toBeLessThanOrEqual(8_000);
    const confirmed = await at.other.take({ id: "w", lease: 60_000 });
    expect(confirmed).toMatchObject({
      status: "granted",
      remaining: 60_000,
      token: at.other.handovers[0]?.token,
    });
    expect(await at.other.take({ id: "w", lease: 120_000 })).toMatchObject({ remaining: about(60_000) });
  });

  test("keeps its ticket while it asks, and queues anew behind the others when its place has ended", async () => {
    await at.one.take({ id: "h" });
    const first = await at.other.take({ id: "w1" });
    const second = await at.other.take({ id: "w2" });
    expect(await at.other.take({ id: "w1" })).toMatchObject({ ticket: (first as { ticket: number }).ticket });
    await at.database.query("UPDATE locking_queue SET expires_at = clock_timestamp() WHERE claim_id = 'w1'");
    const anew = await at.other.take({ id: "w1" });
    expect((anew as { ticket: number }).ticket).toBeGreaterThan((second as { ticket: number }).ticket);
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    await at.other.handedTo("w2");
    expect(at.other.handovers).toHaveLength(1);
  });

  test("keeps its new ticket too, also behind another that keeps waiting", async () => {
    await at.one.take({ id: "h" });
    await at.one.take({ id: "first" });
    await at.one.take({ id: "w" });
    await at.database.query("UPDATE locking_queue SET expires_at = clock_timestamp() WHERE claim_id = 'w'");
    const anew = await at.one.take({ id: "w" });
    expect(await at.one.take({ id: "w" })).toMatchObject({ ticket: (anew as { ticket: number }).ticket });
  });

  test("that is dead is skipped, and leaves no row", async () => {
    await at.one.take({ id: "h" });
    await at.other.take({ id: "dead" });
    await at.other.take({ id: "w" });
    await at.one.take({ id: "behind" });
    await at.database.query(
      "UPDATE locking_queue SET expires_at = clock_timestamp() WHERE claim_id = 'dead'",
    );
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    await at.other.handedTo("w");
    expect(
      await at.database.query("SELECT claim_id FROM locking_queue WHERE claim_id IN ('dead', 'w')"),
    ).toEqual([]);
    expect(await at.one.store.inspect(["a"])).toMatchObject([{ waiting: 1 }]);
  });

  test("that asks after a lease has ended is granted, and hands on to those that share", async () => {
    await at.one.take({ id: "w" });
    await at.one.take({ id: "r1", limit: Infinity });
    await at.other.take({ id: "r2", limit: Infinity });
    await at.database.query("UPDATE locking SET expires_at = clock_timestamp() WHERE claim_id = 'w'");
    expect(await at.other.take({ id: "r2", limit: Infinity })).toMatchObject({
      status: "granted",
      remaining: 30_000,
    });
    await at.one.handedTo("r1");
  });

  test("that asks after a lease has ended tells those of its own instance in the reply", async () => {
    await at.one.take({ id: "h" });
    await at.one.take({ id: "r1", limit: Infinity });
    await at.one.take({ id: "r2", limit: Infinity });
    await at.database.query("UPDATE locking SET expires_at = clock_timestamp() WHERE claim_id = 'h'");
    await at.one.take({ id: "r2", limit: Infinity });
    expect(at.one.handovers).toMatchObject([{ claimId: "r1" }]);
  });

  test("on many keys is handed all of them at once, when the last is free", async () => {
    await at.one.take({ id: "ha", keys: ["a"] });
    await at.one.take({ id: "hb", keys: ["b"] });
    await at.other.take({ id: "w", keys: ["b", "a"] });
    expect(await at.one.take({ id: "later", keys: ["b"] })).toMatchObject({ status: "queued" });
    await at.one.release({ by: "grant", grantId: "hb", keys: ["b"], tombstone: false });
    expect(await at.one.store.inspect(["b"])).toMatchObject([{ holders: [], waiting: 2 }]);
    await at.one.release({ by: "grant", grantId: "ha", keys: ["a"], tombstone: false });
    await at.other.handedTo("w");
    await at.other.release({ by: "grant", grantId: "w", keys: ["a", "b"], tombstone: false });
    await at.one.handedTo("later");
  });

  test("on many keys that is handed them lets in who may share one of them", async () => {
    await at.one.take({ id: "h", keys: ["a"] });
    await at.one.take({ id: "w", keys: ["a", "b"], limit: Infinity });
    expect(await at.one.take({ id: "behind", keys: ["b"], limit: Infinity })).toMatchObject({
      status: "queued",
    });
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(at.one.handovers).toMatchObject([{ claimId: "w" }, { claimId: "behind" }]);
  });

  test("on many keys is told to ask where another is at one of them just now", async () => {
    await at.one.take({ id: "ha", keys: ["a"] });
    await at.one.take({ id: "hb", keys: ["b"] });
    await at.one.take({ id: "w", keys: ["a", "b"] });
    await at.one.release({ by: "grant", grantId: "hb", keys: ["b"], tombstone: false });
    const transition = "(hash) FROM locking_queue WHERE key = 'b'";
    await at.database.query(`SELECT pg_advisory_lock${transition}`);
    await at.one.release({ by: "grant", grantId: "ha", keys: ["a"], tombstone: false });
    await at.database.query(`SELECT pg_advisory_unlock${transition}`);
    expect(at.one).toMatchObject({ woken: ["w"], handovers: [] });
    expect(await at.one.take({ id: "w", keys: ["a", "b"] })).toMatchObject({ status: "granted" });
  });

  test("of each key that is freed together is handed it", async () => {
    await at.one.take({ id: "h", keys: ["a", "b", "c"] });
    for (const key of ["a", "b", "c"]) await at.one.take({ id: `w${key}`, keys: [key] });
    await at.one.release({ by: "grant", grantId: "h", keys: ["a", "b", "c"], tombstone: false });
    expect(at.one.handovers.map(({ claimId }) => claimId).toSorted()).toEqual(["wa", "wb", "wc"]);
  });

  test("with an owner is not passed either, on a key that is free", async () => {
    await at.one.take({ id: "h", keys: ["b"] });
    expect(await at.other.take({ keys: ["a", "b"], ownerId: "o" })).toMatchObject({ status: "queued" });
    expect(await at.one.take({ keys: ["a"], wait: false })).toMatchObject({ status: "busy", ownerId: "o" });
  });

  test("that leaves lets those behind it go on, on all of its keys", async () => {
    await at.one.take({ id: "reader", keys: ["b"], limit: Infinity });
    await at.one.take({ id: "ha", keys: ["a"] });
    await at.other.take({ id: "w", keys: ["a", "b"] });
    expect(await at.one.take({ id: "behind", keys: ["b"], limit: Infinity })).toMatchObject({
      status: "queued",
    });
    expect(await at.other.release({ by: "claim", claimId: "w", keys: ["a", "b"], tombstone: true })).toEqual({
      status: "released",
      freed: true,
    });
    await at.one.handedTo("behind");
  });

  test("is handed what releaseAll frees", async () => {
    await at.one.take({ keys: ["a"] });
    await at.other.take({ id: "w" });
    await at.one.store.releaseAll(null);
    await at.other.handedTo("w");
  });
});

describe("the first waiter is told when a lease in its way comes to end sooner than it knows", () => {
  test("by a renewal", async () => {
    await at.one.take({ id: "h" });
    await at.one.take({ id: "w1" });
    await at.other.take({ id: "w2" });
    expect(await at.one.store.renew([{ grantId: "h", keys: ["a"], lease: 1_000 }])).toEqual([
      { status: "renewed", remaining: 1_000 },
    ]);
    expect(at.one.woken).toEqual(["w1"]);
    await at.one.store.renew([{ grantId: "h", keys: ["a"], lease: 1_500 }]);
    expect([...at.one.woken, ...at.other.woken]).toEqual(["w1"]);
  });

  test("by granting again in place", async () => {
    await at.one.take({ ownerId: "o" });
    await at.one.take({ id: "w" });
    await at.one.take({ ownerId: "o" });
    await at.one.take({ ownerId: "o", lease: 1_000, keepLease: true });
    expect(at.one.woken).toEqual([]);
    await at.one.take({ ownerId: "o", lease: 1_000 });
    expect(at.one.woken).toEqual(["w"]);
  });

  test("by granting anew as one what ended at different times", async () => {
    await at.one.take({ keys: ["a"], ownerId: "o" });
    await at.one.take({ keys: ["b"], ownerId: "o", lease: 500 });
    await at.one.take({ id: "w" });
    await at.one.take({ keys: ["a", "b"], ownerId: "o", lease: 1_000 });
    expect(at.one.woken).toEqual(["w"]);
  });

  test("by a withdrawal, which gives back what was held before", async () => {
    await at.one.take({ keys: ["a"], ownerId: "o", lease: 2_000 });
    await at.one.take({ id: "c", keys: ["a", "b"], ownerId: "o" });
    await at.one.take({ id: "w" });
    await at.one.release({ by: "claim", claimId: "c", keys: ["a", "b"], tombstone: false });
    expect(at.one.woken).toEqual(["w"]);
  });

  test("by a hand-over", async () => {
    await at.one.take({ id: "h" });
    await at.one.take({ id: "w1", lease: 1_000 });
    await at.one.take({ id: "w2" });
    await at.one.release({ by: "grant", grantId: "h", keys: ["a"], tombstone: false });
    expect(at.one.handovers).toMatchObject([{ claimId: "w1", remaining: 1_000 }]);
    expect(at.one.woken).toEqual(["w2"]);
  });
});

test("of several claims in one call none takes a free key that another waits for", async () => {
  await at.one.take({ keys: ["b"] });
  expect(await at.one.take({ keys: ["b"] })).toMatchObject({ status: "queued" });
  // As when a lease has ended and was cleared away before the waiter looks.
  await at.database.query("DELETE FROM locking");
  const replies = await at.other.store.take(["b", "c"].map((key) => claimOf({ keys: [key], wait: false })));
  expect(replies.map(({ status }) => status)).toEqual(["busy", "granted"]);
});

test("a release waits for who is at one of its keys just now, who may be about to wait for it", async () => {
  await at.one.take({ id: "h", keys: ["a", "b"] });
  const transition = "(hash) FROM locking WHERE key = 'b'";
  await at.database.query(`SELECT pg_advisory_lock${transition}`);
  let over = false;
  const released = at.one.release({ by: "grant", grantId: "h", keys: ["a", "b"], tombstone: false });
  void released.then(() => (over = true));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(over).toBe(false);
  await at.database.query(`SELECT pg_advisory_unlock${transition}`);
  expect(await released).toMatchObject({ freed: true });
});
