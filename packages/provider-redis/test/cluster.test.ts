import type { Locking } from "@lock/core";
import { Cluster } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { bucketOf } from "../src/bucket-of.ts";
import { DEFAULT_SHARDS } from "../src/store.ts";
import { commandsOn } from "./commands-on.ts";
import { eventually } from "./eventually.ts";
import { byGrant, claimOf, instance, newNamespace } from "./instance.ts";
import { apart, cluster, connect, counted, runCluster, slotOfKey } from "./running-cluster.ts";

runCluster();

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
    const handed = new Cluster(cluster().urls);
    onTestFinished(() => handed.disconnect());
    const namespace = newNamespace();
    await using one = await instance({ client: handed, namespace });
    const seen = await commandsOn(cluster(), namespace);
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
    const handed = new Cluster(cluster().urls);
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
    const { job, broken } = counted();
    const jobs = Array.from({ length: 120 }, (_, n) => {
      const service = services[n % 3] as Locking;
      const some = n % 3 === 0 ? keys.toReversed() : [keys[n % 4] as string];
      return service.execute(some, job, { timeout: "18s" });
    });
    await Promise.all(jobs);
    expect(broken).toEqual([]);
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
    const [replica] = await cluster().replicasOf(await cluster().masterOf(await slotOfKey(key)));
    // Its master, asked for an acknowledgement, gets none.
    await replica?.pause();
    const refusal = { code: "LOCK_UNAVAILABLE", message: expect.stringContaining("replicas") as string };
    await expect(service.acquire(key)).rejects.toMatchObject(refusal);
    await expect(service.acquire(keys)).rejects.toMatchObject(refusal);
    await replica?.unpause();
    expect((await service.inspect(keys)).flatMap(({ holders }) => holders)).toEqual([]);
  });
});
