import { describe, expect, test } from "vitest";
import { newId } from "./instance.ts";
import { about, some } from "./matchers.ts";
import { twoInstances } from "./two-instances.ts";

const at = twoInstances();
const token = (reply: unknown): bigint => (reply as { token: bigint }).token;

describe("a claim", () => {
  test("is granted when nobody holds its key, and repeating it answers the same", async () => {
    const first = await at.one.take({ id: "c1" });
    expect(first).toEqual({ status: "granted", grantId: "c1", token: some(BigInt), remaining: 30_000 });
    const again = await at.one.take({ id: "c1" });
    expect(again).toMatchObject({ status: "granted", grantId: "c1", token: token(first) });
  });

  test.each([[["a"]], [["a", "b"]]])("lasts no longer for being repeated, of %j", async (keys) => {
    await at.one.take({ id: "c1", keys });
    expect(await at.one.take({ id: "c1", keys, lease: 60_000 })).toMatchObject({ remaining: about(30_000) });
  });

  test("is refused with the owner and the time when it does not wait", async () => {
    await at.one.take({ ownerId: "alice", lease: 10_000 });
    const busy = await at.other.take({ wait: false });
    expect(busy).toEqual({ status: "busy", ownerId: "alice", freeIn: some(Number) });
    expect((busy as { freeIn: number }).freeIn).toBeGreaterThan(9_000);
  });

  test("takes all of its keys or none", async () => {
    await at.one.take({ keys: ["b"] });
    expect(await at.other.take({ keys: ["c", "b", "a"], wait: false })).toMatchObject({ status: "busy" });
    expect(await at.other.take({ keys: ["a"], wait: false })).toMatchObject({ status: "granted" });
    expect(await at.other.take({ keys: ["c"], wait: false })).toMatchObject({ status: "granted" });
  });

  test("gets a greater token than every earlier grant of any of its keys", async () => {
    let last = 0n;
    for (const keys of [["a"], ["b"], ["a", "b"], ["b"], ["a"]]) {
      const reply = await at.one.take({ id: newId(), keys });
      expect(token(reply)).toBeGreaterThan(last);
      last = token(reply);
      await at.one.release({
        by: "grant",
        grantId: (reply as { grantId: string }).grantId,
        keys,
        tombstone: false,
      });
    }
  });

  test("finds an expired lock free", async () => {
    await at.one.take({ lease: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await at.other.take({ wait: false })).toMatchObject({ status: "granted" });
  });

  test("without end lasts without end", async () => {
    expect(await at.one.take({ id: "c", lease: Infinity })).toMatchObject({
      status: "granted",
      remaining: Infinity,
    });
    expect(await at.one.take({ id: "c", lease: Infinity })).toMatchObject({
      status: "granted",
      remaining: Infinity,
    });
    expect(await at.one.take({ wait: false })).toMatchObject({ status: "busy", freeIn: Infinity });
    expect(await at.one.store.inspect(["a"])).toMatchObject([{ holders: [{ remaining: Infinity }] }]);
    expect(await at.one.store.renew([{ grantId: "c", keys: ["a"], lease: 1_000 }])).toEqual([
      { status: "renewed", remaining: 1_000 },
    ]);
  });

  test("shares with claims of the same limit, as many as it says, and with no others", async () => {
    expect(await at.one.take({ limit: 2 })).toMatchObject({ status: "granted" });
    expect(await at.one.take({ limit: Infinity, wait: false })).toMatchObject({ status: "busy" });
    expect(await at.one.take({ limit: 2, wait: false })).toMatchObject({ status: "granted" });
    expect(await at.one.take({ limit: 2, wait: false })).toMatchObject({ status: "busy" });
    expect(await at.one.take({ keys: ["r"], limit: Infinity })).toMatchObject({ status: "granted" });
    expect(await at.one.take({ keys: ["r"], limit: Infinity })).toMatchObject({ status: "granted" });
    expect(await at.one.take({ keys: ["r"], wait: false })).toMatchObject({ status: "busy" });
  });

  test("does not pass an earlier waiter", async () => {
    await at.one.take({ id: "reader", limit: Infinity });
    await at.other.take({ id: "writer" });
    expect(await at.one.take({ limit: Infinity, wait: false })).toMatchObject({ status: "busy" });
    expect(await at.one.take({ id: "later", limit: Infinity })).toMatchObject({ status: "queued" });
    await at.one.release({ by: "claim", claimId: "writer", keys: ["a"], tombstone: false });
    expect(await at.one.handedTo("later")).toMatchObject({ provisional: true });
  });

  test("that was withdrawn is not granted when it arrives late", async () => {
    expect(await at.one.release({ by: "claim", claimId: "late", keys: ["a"], tombstone: true })).toEqual({
      status: "released",
      freed: false,
    });
    expect(await at.other.take({ id: "late" })).toEqual({ status: "withdrawn" });
    expect(await at.other.take({ id: "c", wait: false })).toMatchObject({ status: "granted" });
    await at.other.release({ by: "grant", grantId: "c", keys: ["a"], tombstone: true });
    expect(await at.other.take({ id: "c" })).toEqual({ status: "withdrawn" });
  });

  test("that is withdrawn after its lease has ended freed nothing", async () => {
    await at.one.take({ id: "c", lease: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await at.one.release({ by: "claim", claimId: "c", keys: ["a"], tombstone: false })).toEqual({
      status: "released",
      freed: false,
    });
  });
});

describe("a batch", () => {
  test("answers each request by itself and in order", async () => {
    const claim = (id: string, keys: string[], more = {}) => ({
      id,
      keys,
      ownerId: null,
      kind: "execute" as const,
      limit: 1,
      lease: 30_000,
      keepLease: false,
      wait: false,
      ...more,
    });
    const replies = await at.one.store.take([
      claim("1", ["a"]),
      claim("2", ["a"]),
      claim("3", ["b", "c"]),
      claim("4", ["c"], { wait: true }),
      claim("5", ["d"]),
      claim("1", ["a"]),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([
      "granted",
      "busy",
      "granted",
      "queued",
      "granted",
      "granted",
    ]);
    expect(
      await at.one.store.renew([
        { grantId: "1", keys: ["a"], lease: 1_000 },
        { grantId: "2", keys: ["a"], lease: 1_000 },
        { grantId: "3", keys: ["b", "c"], lease: 1_000 },
        { grantId: "3", keys: ["b", "d"], lease: 1_000 },
      ]),
    ).toMatchObject([{ status: "renewed" }, { status: "lost" }, { status: "renewed" }, { status: "lost" }]);
    expect(
      await at.one.store.release([
        { by: "grant", grantId: "1", keys: ["a"], tombstone: false },
        { by: "grant", grantId: "1", keys: ["a"], tombstone: false },
        { by: "grant", grantId: "3", keys: ["b", "c"], tombstone: false },
        { by: "claim", claimId: "4", keys: ["c"], tombstone: true },
      ]),
    ).toEqual([true, false, true, true].map((freed) => ({ status: "released", freed })));
  });

  test("of more keys than one call may lock goes in several", async () => {
    const claims = Array.from({ length: 7 }, (_, n) => ({
      id: `many${n}`,
      keys: Array.from({ length: 150 }, (__, k) => `${n}-${k}`),
      ownerId: null,
      kind: "execute" as const,
      limit: 1,
      lease: 30_000,
      keepLease: false,
      wait: false,
    }));
    const replies = await at.one.store.take(claims);
    expect(replies.every(({ status }) => status === "granted")).toBe(true);
  });
});

test("a claim without an owner that lost a part of its grant takes it anew, with a greater token", async () => {
  const claim = { id: "part", keys: ["a", "b"], ownerId: null };
  const first = await at.one.take(claim);
  await at.one.release({ by: "owner", ownerId: null, keys: ["b"] });
  const again = await at.one.take(claim);
  expect(again).toMatchObject({ status: "granted", grantId: "part" });
  expect(token(again)).toBeGreaterThan(token(first));
});
