import { describe, expect, test } from "vitest";
import { about } from "./matchers.ts";
import { twoInstances } from "./two-instances.ts";

const at = twoInstances();
const token = (reply: unknown): bigint => (reply as { token: bigint }).token;

describe("an owner", () => {
  test("is granted again in place, with the expiry anew or as it was", async () => {
    const first = await at.one.take({ id: "c1", ownerId: "o", lease: 60_000 });
    expect(await at.other.take({ id: "c2", ownerId: "o", lease: Infinity, keepLease: true })).toMatchObject({
      status: "granted",
      grantId: "c1",
      token: token(first),
      remaining: about(60_000),
    });
    expect(await at.other.take({ id: "c3", ownerId: "o", lease: Infinity })).toMatchObject({
      grantId: "c1",
      remaining: Infinity,
    });
    expect(await at.other.take({ id: "c4", ownerId: "o", limit: 2, wait: false })).toMatchObject({
      status: "busy",
    });
  });

  test("is granted again in place also where others share the key", async () => {
    await at.one.take({ ownerId: "x", limit: 2 });
    const first = await at.one.take({ id: "c1", ownerId: "o", limit: 2 });
    expect(await at.one.take({ id: "c2", ownerId: "o", limit: 2 })).toMatchObject({
      grantId: "c1",
      token: token(first),
    });
  });

  test("whose lease has ended takes the key anew, with the limit that it asks for then", async () => {
    await at.one.take({ ownerId: "o", limit: 2, lease: 20 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await at.one.take({ ownerId: "o" })).toMatchObject({ status: "granted" });
    expect(await at.other.take({ limit: 2, wait: false })).toMatchObject({ status: "busy" });
  });

  test("that holds some of the keys queues for the others, and gets one new grant", async () => {
    const first = await at.one.take({ id: "c1", keys: ["a"], ownerId: "o" });
    await at.other.take({ id: "x", keys: ["b"] });
    expect(await at.one.take({ id: "c2", keys: ["a", "b"], ownerId: "o" })).toMatchObject({
      status: "queued",
    });
    expect(await at.one.store.inspect(["a", "b"])).toMatchObject([{ waiting: 0 }, { waiting: 1 }]);
    await at.other.release({ by: "grant", grantId: "x", keys: ["b"], tombstone: false });
    const handed = await at.one.handedTo("c2");
    expect(handed.token).toBeGreaterThan(token(first));
    expect(await at.one.store.renew([{ grantId: "c1", keys: ["a"], lease: 1_000 }])).toEqual([
      { status: "lost" },
    ]);
    expect(await at.one.store.renew([{ grantId: "c2", keys: ["a", "b"], lease: 1_000 }])).toEqual([
      { status: "renewed", remaining: 1_000 },
    ]);
    expect(await at.other.release({ by: "owner", ownerId: "o", keys: ["b", "a"] })).toEqual({
      status: "released",
      freed: true,
    });
  });

  test("gets back what it held when the claim on more is withdrawn", async () => {
    const first = await at.one.take({ id: "c1", keys: ["a"], ownerId: "o", lease: 60_000 });
    await at.one.take({ id: "c2", keys: ["b", "a"], ownerId: "o", lease: 1_000 });
    expect(await at.one.release({ by: "claim", claimId: "c2", keys: ["b", "a"], tombstone: false })).toEqual({
      status: "released",
      freed: true,
    });
    expect(await at.one.store.inspect(["a", "b"])).toMatchObject([
      { holders: [{ ownerId: "o", fencingToken: token(first), remaining: about(60_000) }] },
      { holders: [] },
    ]);
    expect(await at.one.release({ by: "grant", grantId: "c1", keys: ["a"], tombstone: false })).toEqual({
      status: "released",
      freed: true,
    });
  });

  test("that is granted one of the keys again in place still confirms what was handed over with it", async () => {
    const keys = ["a", "b"];
    await at.one.take({ id: "x", keys });
    await at.one.take({ id: "c1", keys, ownerId: "o" });
    await at.one.release({ by: "grant", grantId: "x", keys, tombstone: false });
    expect(at.one.handovers).toMatchObject([{ claimId: "c1", remaining: 8_000 }]);
    await at.one.take({ id: "c2", ownerId: "o" });
    expect(await at.one.take({ id: "c1", keys, ownerId: "o" })).toMatchObject({ remaining: about(30_000) });
  });

  test("that holds the keys under several grants gets one with a new token", async () => {
    await at.one.take({ id: "c1", keys: ["a"], ownerId: "o" });
    const second = await at.one.take({ id: "c2", keys: ["b"], ownerId: "o" });
    const both = await at.one.take({ id: "c3", keys: ["a", "b"], ownerId: "o" });
    expect(both).toMatchObject({ status: "granted", grantId: "c3" });
    expect(token(both)).toBeGreaterThan(token(second));
  });

  test("is told of keys that end at different times when the first does", async () => {
    await at.one.take({ keys: ["a"], ownerId: "o", lease: 60_000 });
    await at.one.take({ keys: ["b"], ownerId: "o", lease: 20_000 });
    const claim = { keys: ["a", "b"], ownerId: "o", keepLease: true };
    expect(await at.one.take({ id: "c3", ...claim })).toMatchObject({
      grantId: "c3",
      remaining: about(20_000),
    });
    expect(await at.one.take({ id: "c4", ...claim })).toMatchObject({
      grantId: "c3",
      remaining: about(20_000),
    });
  });

  test("whose claims wait for the same key has the second told to ask when the first is granted", async () => {
    await at.other.take({ id: "x" });
    await at.one.take({ id: "c1", ownerId: "o" });
    await at.one.take({ id: "c2", ownerId: "o" });
    await at.other.release({ by: "grant", grantId: "x", keys: ["a"], tombstone: false });
    await at.one.handedTo("c1");
    await expect.poll(() => at.one.woken).toContain("c2");
    expect(await at.one.take({ id: "c2", ownerId: "o" })).toMatchObject({ status: "granted", grantId: "c1" });
    expect(await at.one.store.inspect(["a"])).toMatchObject([{ waiting: 0, holders: [{ ownerId: "o" }] }]);
  });

  test("whose claims wait for the same key has them told to ask once, also those of others and behind others", async () => {
    await at.other.take({ id: "x" });
    const own = { ownerId: "o", keys: ["b", "a"] };
    await at.one.take({ id: "c1", ...own });
    await at.one.take({ id: "c2", ownerId: "o" });
    await at.one.take({ id: "p", ownerId: "p" });
    await at.one.take({ id: "c3", ownerId: "o" });
    await at.other.take({ id: "c4", ownerId: "o" });
    await at.other.take({ id: "c5", ownerId: "o", limit: 2 });
    await at.other.release({ by: "grant", grantId: "x", keys: ["a"], tombstone: false });
    await at.one.handedTo("c1");
    await expect.poll(() => at.one.woken).toContain("c3");
    expect(at.one.woken).toEqual(["c2", "c3"]);
    expect(at.other.woken).toEqual(["c4"]);
  });

  test("frees of each key what it holds, and is told whether that was something of every key", async () => {
    await at.one.take({ keys: ["a"], ownerId: "o" });
    await at.one.take({ keys: ["b"], ownerId: "p" });
    expect(await at.one.release({ by: "owner", ownerId: "o", keys: ["a", "b"] })).toEqual({
      status: "released",
      freed: false,
    });
    expect(await at.one.store.inspect(["a", "b"])).toMatchObject([
      { holders: [] },
      { holders: [{ ownerId: "p" }] },
    ]);
    expect(await at.one.release({ by: "owner", ownerId: null, keys: ["b"] })).toEqual({
      status: "released",
      freed: false,
    });
  });

  test("frees all it holds, in slices, and nobody else's", async () => {
    const keys = Array.from({ length: 1_200 }, (_, n) => `k${n}`);
    for (let n = 0; n < keys.length; n += 400)
      await at.one.take({ keys: keys.slice(n, n + 400), ownerId: "o" });
    await at.one.take({ keys: ["other"], ownerId: "p" });
    await at.one.store.releaseAll("o");
    const left = await at.database.query("SELECT owner_id FROM locking WHERE owner_id IN ('o', 'p')");
    expect(left).toEqual([{ owner_id: "p" }]);
  });

  test("keeps what it takes while all of its locks are freed", async () => {
    const keys = Array.from({ length: 10 }, (_, n) => `k${n}`);
    await at.one.take({ keys, ownerId: "o" });
    const [last] = (await at.database.query(
      "SELECT namespace, key FROM locking ORDER BY hash DESC LIMIT 1",
    )) as { namespace: string; key: string }[];
    let progress = { bound: null, after: String(-(2n ** 63n)) } as {
      bound: string | null;
      after: string | null;
    };
    const free = async (): Promise<void> => {
      const [row] = await at.database.query(
        "SELECT fence AS bound, place AS after FROM locking_release_all($1, NULL, 'o', $2, $3, 4)",
        [last?.namespace, progress.bound, progress.after],
      );
      progress = row as typeof progress;
    };
    await free();
    await at.one.release({ by: "owner", ownerId: "o", keys: [last!.key] });
    await at.one.take({ keys: [last!.key], ownerId: "o" });
    while (progress.after !== null) await free();
    expect(await at.database.query("SELECT key FROM locking")).toEqual([{ key: last!.key }]);
  });

  test("nobody is one too: what was acquired without an owner is freed together, and what execute holds is not", async () => {
    await at.one.take({ ownerId: null, kind: "acquire", limit: 3 });
    await at.one.take({ ownerId: null, kind: "acquire", limit: 3 });
    await at.one.take({ id: "job", limit: 3 });
    const release = { by: "owner" as const, ownerId: null, keys: ["a"] };
    expect(await at.other.release(release)).toEqual({ status: "released", freed: true });
    expect(await at.other.release(release)).toEqual({ status: "released", freed: false });
    expect(await at.one.take({ id: "job", limit: 3 })).toMatchObject({ status: "granted", grantId: "job" });
  });
});
