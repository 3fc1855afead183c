import { type Claim, PLACE_LIFETIME } from "@lock/core";
import { expect, it } from "vitest";
import { Bucket } from "../src/bucket.ts";
import { Connection } from "../src/connection.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { byClaim, byGrant, claimOf, client, instance, leftBehind, newNamespace } from "./instance.ts";

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

it("a released lock leaves nothing on the server, whoever held it and however", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  const claims = [
    claimOf({ keys: ["a"] }),
    claimOf({ keys: ["b", "c"] }),
    claimOf({ keys: ["d"], ownerId: null, lease: Infinity }),
    claimOf({ keys: ["e", "f"], ownerId: "o", lease: Infinity }),
    claimOf({ keys: ["g"], ownerId: "o" }),
    claimOf({ keys: ["h"], limit: 3, ownerId: "o" }),
    claimOf({ keys: ["i"], limit: Infinity, lease: Infinity }),
  ];
  await one.store.take(claims);
  expect(await leftBehind(redis, namespace)).not.toEqual([]);
  await one.store.release(claims.map(({ id, keys }) => byGrant(id, keys)));
  expect(await leftBehind(redis, namespace)).toEqual([]);
  for (const claim of claims) {
    await one.take(claim);
    await one.release(byGrant(claim.id, claim.keys));
  }
  expect(await leftBehind(redis, namespace)).toEqual([]);
});

it("an execute lock is one key on the server and in no index", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  await one.take({ keys: ["a"] });
  expect(await leftBehind(redis, namespace)).toEqual(["h:a"]);
});

it("expired locks of dead processes disappear by themselves, with their indexes", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  await one.take({ keys: ["a"], lease: 100 });
  await one.take({ keys: ["b"], ownerId: "o", lease: 200 });
  await one.take({ keys: ["c"], limit: 2, lease: 300, ownerId: "p" });
  await one.take({ keys: ["c"], limit: 2, lease: 400 });
  expect(await leftBehind(redis, namespace)).toContain("o:o");
  await pause(1_600);
  expect(await leftBehind(redis, namespace)).toEqual([]);
});

it("the index of an owner who lets locks expire is swept by the owner's later locks", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  for (let n = 0; n < 40; n += 1) await one.take({ keys: [`k${n}`], ownerId: "o", lease: 1 });
  for (let n = 0; n < 40; n += 1)
    await one.take({ keys: ["last"], ownerId: "o", lease: 30_000, id: `c${n}` });
  for (let n = 0; n < 40; n += 1) await one.take({ keys: [`x${n}`], ownerId: "p", lease: 30_000 });
  await one.take({ keys: ["y"], ownerId: "o", lease: 30_000 });
  for (let n = 0; n < 16; n += 1) await one.take({ keys: [`z${n}`], ownerId: "o", lease: 30_000 });
  const index = (await redis.keys(`${namespace}*o:o`))[0] as string;
  expect(await redis.zcard(index)).toBe(18);
});

it("an owner's index outlives a lock without end only as long as its other locks", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  await one.take({ keys: ["a"], ownerId: "o", lease: 100 });
  await one.take({ keys: ["b"], ownerId: "o", lease: Infinity });
  await one.release({ by: "owner", ownerId: "o", keys: ["b"] });
  await pause(1_300);
  expect(await leftBehind(redis, namespace)).toEqual([]);
});

it("a waiter that left leaves no place behind, and a dead one's goes with its liveness", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  const holder = claimOf({ keys: ["a", "b"] });
  const gone = claimOf({ keys: ["a", "b"] });
  await one.store.take([holder, gone]);
  expect(await leftBehind(redis, namespace)).toEqual([
    "h:a",
    "h:b",
    "m:a",
    "m:b",
    "q:a",
    "q:b",
    `w:${gone.id}`,
    "z",
  ]);
  await one.release(byClaim(gone.id, gone.keys));
  expect(await leftBehind(redis, namespace)).toEqual(["h:a", "h:b"]);
  await one.take({ keys: ["a"] });
  await pause(6_100);
  expect(await leftBehind(redis, namespace)).toEqual(["h:a", "h:b"]);
});

it("all that tells of a waiter ends with its place, which asking again prolongs", async () => {
  await using redis = client();
  // One that is asked for alone and exclusively is looked up on a shorter way.
  for (const waiter of [claimOf({ keys: ["a"] }), claimOf({ keys: ["a"], limit: 2 })]) {
    const namespace = newNamespace();
    await using one = await instance({ namespace });
    await one.store.take([claimOf({ keys: ["a"] }), waiter]);
    const names: string[] = [];
    for (const name of ["q:a", "m:a", `w:${waiter.id}`, "z"])
      names.push(...(await redis.keys(`${namespace}*}${name}`)));
    expect(names).toHaveLength(4);
    for (const name of names) {
      expect(await redis.pttl(name)).toBeGreaterThan(PLACE_LIFETIME / 2);
      await redis.pexpire(name, PLACE_LIFETIME / 2);
    }
    await one.take(waiter);
    for (const name of names) {
      const left = await redis.pttl(name);
      expect(left).toBeGreaterThan(PLACE_LIFETIME / 2);
      expect(left).toBeLessThanOrEqual(PLACE_LIFETIME);
    }
  }
});

it("a withdrawn claim leaves a tombstone of a minute and nothing else, and its take finds it", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  const claim = claimOf({});
  expect(await one.release(byClaim(claim.id, claim.keys, true))).toEqual({
    status: "released",
    freed: false,
  });
  expect(await one.take(claim)).toEqual({ status: "withdrawn" });
  expect(await leftBehind(redis, namespace)).toEqual([`t:${claim.id}`]);
  const left = await redis.pttl((await redis.keys(`${namespace}*t:*`))[0] as string);
  expect(left).toBeGreaterThan(58_000);
  expect(left).toBeLessThanOrEqual(60_000);
});

it("releaseAll of everything leaves of a lock with a lease only its record, which holds nothing and goes with the lease or its holder", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  const [running, dead] = [claimOf({ keys: ["a"] }), claimOf({ keys: ["b"], lease: 300 })];
  const others = [
    claimOf({ keys: ["c"], ownerId: "o", lease: Infinity }),
    claimOf({ keys: ["d"], limit: 2 }),
  ];
  await one.store.take([running, dead, ...others]);
  await one.store.releaseAll(null);
  expect(await leftBehind(redis, namespace)).toEqual(["h:a", "h:b"]);
  expect((await one.store.inspect(["a", "b", "c", "d"])).flatMap(({ holders }) => holders)).toEqual([]);
  expect(await one.store.renew([{ grantId: running.id, keys: ["a"], lease: 30_000 }])).toEqual([
    { status: "lost" },
  ]);
  expect(await one.release(byGrant(running.id))).toEqual({ status: "released", freed: false });
  await pause(350);
  expect(await leftBehind(redis, namespace)).toEqual([]);
});

it("what releaseAll of everything freed was not held, to the newest of it", async () => {
  await using one = await instance();
  const claims = [claimOf({ keys: ["a"] }), claimOf({ keys: ["b"] })];
  await one.store.take(claims);
  await one.store.releaseAll(null);
  expect(await one.store.release(claims.map(({ id, keys }) => byGrant(id, keys)))).toEqual([
    { status: "released", freed: false },
    { status: "released", freed: false },
  ]);
});

it("a lock that is renewed without end is found by releaseAll of everything, one that gets an end is in no index", async () => {
  const namespace = newNamespace();
  await using redis = client();
  await using one = await instance({ namespace });
  const [endless, ending] = [
    claimOf({ keys: ["a"], ownerId: null }),
    claimOf({ keys: ["b"], ownerId: null, lease: Infinity }),
  ];
  await one.store.take([endless, ending]);
  await one.store.renew([{ grantId: ending.id, keys: ["b"], lease: 30_000 }]);
  expect(await leftBehind(redis, namespace)).toEqual(["h:a", "h:b"]);
  await one.store.renew([{ grantId: endless.id, keys: ["a"], lease: Infinity }]);
  await one.store.releaseAll(null);
  expect(await leftBehind(redis, namespace)).toEqual(["h:b"]);
});

it("releaseAll of everything hands on to who waited before others did", async () => {
  await using one = await instance();
  const first = claimOf({ keys: ["a"] });
  for (const claim of [claimOf({ keys: ["a"] }), first]) await one.take(claim);
  for (const claim of [claimOf({ keys: ["b"] }), claimOf({ keys: ["b"], limit: 2 })]) await one.take(claim);
  await one.store.releaseAll(null);
  expect(await one.store.inspect(["a"])).toMatchObject([{ waiting: 0, holders: [{}] }]);
  await one.handedTo(first.id);
});

it("a floor that outlived its counter takes no lock away", async () => {
  for (const claims of [
    [claimOf({ keys: ["a"] })],
    [claimOf({ keys: ["a"] }), claimOf({ keys: ["b"] })],
    [claimOf({ keys: ["a"], ownerId: "o" })],
    [claimOf({ keys: ["a"] }), claimOf({ keys: ["a"], wait: false })],
  ]) {
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ namespace });
    await one.store.take(["c", "d", "e"].map((key) => claimOf({ keys: [key] })));
    await one.store.releaseAll(null);
    await redis.del(new KeyLayout(namespace).base);
    await one.store.take(claims);
    for (const { keys } of claims)
      expect(await one.take({ keys, wait: false })).toMatchObject({ status: "busy" });
  }
});

it("a floor that outlived its counter takes no lock away, whatever counts first", async () => {
  const namespace = newNamespace();
  const { base } = new KeyLayout(namespace);
  await using redis = client();
  await using one = await instance({ namespace });
  await one.store.take(["c", "d", "e"].map((key) => claimOf({ keys: [key] })));
  await one.store.releaseAll(null);
  const [holder, next] = [claimOf({}), claimOf({})];
  await one.take(holder);
  await redis.del(base);
  await one.take(next);
  await one.take({ keys: ["b"] });
  expect(await one.take({ keys: ["b"], wait: false })).toMatchObject({ status: "busy" });

  await one.store.releaseAll(null);
  const [last, after] = [claimOf({ keys: ["g"] }), claimOf({ keys: ["g"] })];
  for (const claim of [last, after]) await one.take(claim);
  await redis.del(base);
  await one.release(byGrant(last.id, ["g"]));
  await one.handedTo(after.id);
  expect(await one.store.inspect(["g"])).toMatchObject([{ holders: [{}] }]);
});

it("the note of a process that hands a lock on goes with its grant, however that ends, and with no other's", async () => {
  const namespace = newNamespace();
  await using redis = client();
  const connection = new Connection({ client: redis }, 5_000);
  await connection.open("locking-redis", { debug() {}, info() {}, warn() {}, error() {} }, []);
  const bucket = new Bucket(connection, new KeyLayout(namespace), "", "process", null);
  const note = async (grantId: string, key: string): Promise<void> => {
    const word = { key, grantId, lease: 30_000, tokens: 0, recall: "never" } as const;
    expect(await bucket.stand(word)).toMatchObject({ status: "held" });
  };
  try {
    const [alone, waitedFor, together, beside, buried, next] = ["a", "b", "c", "d", "e", "b"].map((key) =>
      claimOf({ keys: [key] }),
    ) as [Claim, Claim, Claim, Claim, Claim, Claim];
    await bucket.take([alone, waitedFor, together, beside, buried, next]);
    for (const { id, keys } of [alone, waitedFor, together, buried]) await note(id, keys[0]!);
    const noted = ({ id: grantId, keys }: Claim, tombstone = false) =>
      ({ by: "grant", grantId, keys, tombstone, noted: true }) as const;
    await bucket.release([noted(alone)]);
    await bucket.release([noted(waitedFor)]);
    await bucket.release([noted(together), byGrant(beside.id, beside.keys)]);
    await bucket.release([noted(buried, true)]);
    expect(await leftBehind(redis, namespace)).toEqual(["h:b", `t:${buried.id}`]);
    await note(next.id, "b");
    await bucket.release([noted(waitedFor)]);
    await bucket.release([noted(waitedFor), noted(alone)]);
    await bucket.release([noted(waitedFor, true)]);
    expect(await leftBehind(redis, namespace)).toContain("x:b");
  } finally {
    await connection.close();
  }
});
