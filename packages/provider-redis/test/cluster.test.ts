import { createLocking, isLockError, type Locking } from "@lock/core";
import { startRedisCluster, type RedisCluster } from "@lock/testkit/containers";
import { Cluster } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { bucketOf } from "../src/bucket-of.ts";
import { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { DEFAULT_SHARDS } from "../src/store.ts";
import { commandsOn } from "./commands-on.ts";
import { eventually } from "./eventually.ts";
import { byGrant, claimOf, instance, journal, newNamespace } from "./instance.ts";

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster({ nodeTimeout: 1_000 });
}, 60_000);
afterAll(() => cluster?.close(), 30_000);

const redisCluster = (): { nodes: string[] } => ({ nodes: cluster.urls });

async function connect(options: Partial<RedisProviderOptions> = {}): Promise<Locking> {
  const provider = redisProvider({ namespace: newNamespace(), redisCluster: redisCluster(), ...options });
  const service = await createLocking({ providers: [provider], logger: journal().logger });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

async function slotOf(name: string): Promise<number> {
  return Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", name));
}

/** The slot of the bucket that has this key. */
async function slotOfKey(key: string): Promise<number> {
  return slotOf(new KeyLayout("any:", bucketOf(key, DEFAULT_SHARDS)).base);
}

/** Keys of as many different buckets. */
function apart(count: number): string[] {
  const found = new Map<number, string>();
  for (let n = 0; found.size < count; n += 1) {
    const bucket = bucketOf(`k${n}`, DEFAULT_SHARDS);
    if (!found.has(bucket)) found.set(bucket, `k${n}`);
  }
  return [...found.values()];
}

/** Jobs that count who is inside: at most one at a time, each with a greater token than the one before. */
function counted(keys: readonly string[]): {
  job(lock: { fencingToken: bigint }): Promise<void>;
  broken: string[];
} {
  const inside = new Set<string>();
  const last = new Map<string, bigint>();
  const broken: string[] = [];
  return {
    broken,
    job: async ({ fencingToken }) => {
      for (const key of keys) {
        if (inside.has(key)) broken.push(`two hold ${key}`);
        if (fencingToken <= (last.get(key) ?? 0n)) broken.push(`${fencingToken} of ${key} is not greater`);
        inside.add(key);
        last.set(key, fencingToken);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const key of keys) inside.delete(key);
    },
  };
}

describe("keys", () => {
  it("are spread evenly over the buckets, and always the same way", () => {
    const counts = Array.from({ length: DEFAULT_SHARDS }, () => 0);
    for (let n = 0; n < 16_000; n += 1) {
      const bucket = bucketOf(`order:${n}`, DEFAULT_SHARDS);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
    expect(["a", "b", "prod_123", "é"].map((key) => bucketOf(key, DEFAULT_SHARDS))).toEqual([0, 3, 7, 7]);
  });

  it("of one bucket are taken and released with one command each", async () => {
    const handed = new Cluster(cluster.urls);
    onTestFinished(() => handed.disconnect());
    const namespace = newNamespace();
    await using one = await instance({ client: handed, namespace });
    const seen = await commandsOn(cluster, namespace);
    const claim = claimOf({});
    await one.take(claim);
    await one.release(byGrant(claim.id));
    expect(await seen()).toEqual(["evalsha", "evalsha"]);
  });
});

describe("a namespace", () => {
  it("is divided by all processes alike: another number of shards is LOCK_CONFIG", async () => {
    const namespace = newNamespace();
    await connect({ namespace, shards: 4 });
    const other = connect({ namespace, shards: 5 });
    await expect(other).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringContaining("shards: 4") as string,
    });
  });

  it("is used through a ready Cluster too, which is left as it was", async () => {
    const handed = new Cluster(cluster.urls);
    onTestFinished(() => handed.disconnect());
    const service = await connect({ client: handed, redisCluster: undefined });
    expect(await service.execute(apart(3), (lock) => lock.fencingToken > 0n)).toBe(true);
    await service.close();
    expect(await handed.ping()).toBe("PONG");
  });
});

describe("a claim on keys of several buckets", () => {
  it("and those on one of them all have their turn, between processes, with tokens that grow on each key", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([
      connect({ namespace }),
      connect({ namespace }),
      connect({ namespace }),
    ]);
    const keys = apart(4);
    const each = keys.map((key) => counted([key]));
    const all = counted(keys);
    const jobs = Array.from({ length: 120 }, (_, n) => {
      const service = services[n % 3] as Locking;
      const some = n % 3 === 0 ? keys.toReversed() : [keys[n % 4] as string];
      const run = async (lock: { fencingToken: bigint }): Promise<void> => {
        await (n % 3 === 0 ? all.job(lock) : (each[n % 4] as typeof all).job(lock));
      };
      return service.execute(some, run, { timeout: "18s" });
    });
    await Promise.all(jobs);
    expect([all, ...each].flatMap(({ broken }) => broken)).toEqual([]);
    const [service] = services;
    expect((await service.inspect(keys)).flatMap(({ holders }) => holders)).toEqual([]);
  });

  it("that gives up, or is refused, leaves nothing held", async () => {
    const namespace = newNamespace();
    const [one, other] = [await connect({ namespace }), await connect({ namespace })];
    const keys = apart(5);
    const held = await one.acquire(keys[4] as string);
    await expect(other.acquire(keys)).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    await expect(other.execute(keys, () => {}, { timeout: "300ms" })).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
    });
    await (await one.acquire(keys.slice(0, 4))).release();
    await held.release();
    expect((await one.inspect(keys)).flatMap(({ holders, waiting }) => [...holders, waiting])).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  it("keeps what it has for longer than one lease while it waits for the rest", async () => {
    const namespace = newNamespace();
    const [one, other] = [await connect({ namespace }), await connect({ namespace })];
    const keys = apart(2).toSorted((a, b) => bucketOf(a, DEFAULT_SHARDS) - bucketOf(b, DEFAULT_SHARDS));
    const [first, second] = keys as [string, string];
    const held = await one.acquire(second);
    const waiter = other.execute(keys, (lock) => lock.fencingToken, { timeout: "20s" });
    await eventually(async () => (await one.inspect(first))[0]?.holders.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    await expect(one.acquire(first)).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    await held.release();
    expect(await waiter).toBeGreaterThan(held.fencingToken);
  });
});

describe("with replicas to confirm them", () => {
  it("grants count when each bucket's replica has them, and are given back in all buckets when one has not", async () => {
    const namespace = newNamespace();
    const service = await connect({ namespace, replicas: { min: 1, timeout: "500ms" } });
    const keys = apart(6);
    const held = await service.acquire(keys, { ownerId: "u" });
    const waiter = service.execute(keys.slice(2), (lock) => lock.fencingToken);
    await held.release();
    expect(await waiter).toBeGreaterThan(held.fencingToken);
    const [key] = keys as [string];
    const [replica] = await cluster.replicasOf(await cluster.masterOf(await slotOfKey(key)));
    // Its master, asked for an acknowledgement, gets none.
    await replica?.pause();
    const refusal = { code: "LOCK_UNAVAILABLE", message: expect.stringContaining("replicas") as string };
    await expect(service.acquire(key)).rejects.toMatchObject(refusal);
    await expect(service.acquire(keys)).rejects.toMatchObject(refusal);
    await replica?.unpause();
    expect((await service.inspect(keys)).flatMap(({ holders }) => holders)).toEqual([]);
  });
});

describe("a slot that moves to another node", () => {
  it("takes the locks with it: those held stay held, those waited for pass on, alone and with others", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key, elsewhere] = apart(2) as [string, string];
    const slot = await slotOfKey(key);
    const { job, broken } = counted([key]);
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const waiting = Array.from({ length: 20 }, (_, n) =>
      (services[n % 2] as Locking).execute(n % 5 === 0 ? [key, elsewhere] : key, job, { timeout: "18s" }),
    );
    const masters = await cluster.masters();
    const from = await cluster.masterOf(slot);
    await cluster.moveSlot(slot, masters.find((node) => node !== from) as (typeof masters)[number]);
    expect(kept.remaining()).toBeGreaterThan(0);
    await expect(other.acquire(key, { ownerId: "v" })).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    expect(await other.release(key, { ownerId: "u" })).toBe(true);
    // And back, while they go on.
    await cluster.moveSlot(slot, from);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    expect((await one.inspect(key))[0]).toMatchObject({ holders: [], waiting: 0 });
  });

  it("is listened to where it is then: a release wakes the next at once", async () => {
    const namespace = newNamespace();
    const [one, other] = [await connect({ namespace }), await connect({ namespace })];
    const [key] = apart(1) as [string];
    const slot = await slotOfKey(key);
    const masters = await cluster.masters();
    const from = await cluster.masterOf(slot);
    await cluster.moveSlot(slot, masters.find((node) => node !== from) as (typeof masters)[number]);
    await one.execute(key, () => {});
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const held = await one.acquire(key);
      const waiter = other.execute(key, () => performance.now());
      await eventually(async () => (await one.inspect(key))[0]?.waiting).toBe(1);
      const freed = performance.now();
      await held.release();
      waits.push((await waiter) - freed);
    }
    await cluster.moveSlot(slot, from);
    // The first may fall into the time in which the new node is subscribed to.
    expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(200);
  });
});

describe("a failover", () => {
  it("that is agreed on loses nothing, and tokens go on growing", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key] = apart(1) as [string];
    const { job, broken } = counted([key]);
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const waiting = Array.from({ length: 10 }, (_, n) =>
      (services[n % 2] as Locking).execute(key, job, { timeout: "18s" }),
    );
    await cluster.failover(await cluster.masterOf(await slotOfKey(key)));
    await expect(other.acquire(key, { ownerId: "v" })).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    expect(await other.release(key, { ownerId: "u" })).toBe(true);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    const after = await one.acquire(key);
    // Far ahead of whatever the old master may have given out and not replicated.
    expect(after.fencingToken - kept.fencingToken).toBeGreaterThan(900_000_000n);
  });

  it("after a master died keeps what was replicated; meanwhile calls fail as LOCK_UNAVAILABLE and nothing else", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key] = apart(1) as [string];
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const { job, broken } = counted([key]);
    const waiting = Array.from({ length: 10 }, (_, n) =>
      (services[n % 2] as Locking).execute(key, job, { timeout: "18s" }),
    );
    await eventually(async () => (await one.inspect(key))[0]?.waiting).toBe(10);
    const dead = await cluster.masterOf(await slotOfKey(key));
    await dead.command("WAIT", "1", "1000");
    await dead.stop();
    const failing = other.acquire(key, { ownerId: "v" }).catch((error: unknown) => error);
    await cluster.failover(dead);
    const failure = await failing;
    expect(isLockError(failure) && failure.code).toMatch(/^LOCK_(UNAVAILABLE|NOT_ACQUIRED)$/);
    await eventually(async () =>
      one.release(key, { ownerId: "u" }).catch((error: { code: string }) => error.code),
    ).toBe(true);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    expect((await one.acquire(key)).fencingToken).toBeGreaterThan(kept.fencingToken);
    await dead.start();
  }, 45_000);
});
