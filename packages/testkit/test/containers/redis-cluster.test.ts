import { startRedisCluster, type RedisCluster } from "@lock/testkit/containers";
import { Cluster, Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, quiet } from "./quiet-client.ts";

// Named by the set-up of the tests wherever there are containers; who brings servers of their own may have no Docker.
const image = process.env["LOCK_TEST_REDIS_IMAGE"];

describe.skipIf(!image)("a Redis cluster", { timeout: 60_000 }, () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 60_000);
  afterAll(async () => cluster?.close());

  const connect = (): Cluster => quiet(new Cluster(cluster.urls, { slotsRefreshInterval: 500 }));

  test("has its keys on three masters", async () => {
    const client = connect();
    const keys = Array.from({ length: 50 }, (_, n) => `key ${n}`);
    await Promise.all(keys.map(async (key) => client.set(key, key)));
    expect(await Promise.all(keys.map(async (key) => client.get(key)))).toEqual(keys);
    const masters = await cluster.masters();
    const sizes = await Promise.all(masters.map(async (node) => Number(await node.command("DBSIZE"))));
    expect(sizes).toHaveLength(3);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    for (const master of masters) expect(await cluster.replicasOf(master)).toHaveLength(1);
  });

  test("moves a slot under a client that goes on", async () => {
    const client = connect();
    const keys = Array.from({ length: 150 }, (_, n) => `{moved} ${n}\n"`);
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", "moved"));
    await Promise.all(keys.map(async (key) => client.set(key, key)));
    const from = await cluster.masterOf(slot);
    const to = (await cluster.masters()).find((node) => node !== from);
    if (to === undefined) throw new Error("There is one master only");
    const moved = new AbortController();
    const count = (async () => {
      let n = 0;
      while (!moved.signal.aborted) n = await client.incr("{moved} count");
      return n;
    })();
    await cluster.moveSlot(slot, to);
    moved.abort();
    expect(await client.get("{moved} count")).toBe(String(await count));
    expect(await Promise.all(keys.map(async (key) => client.get(key)))).toEqual(keys);
    expect(await cluster.masterOf(slot)).toBe(to);
    expect(await to.command("CLUSTER", "COUNTKEYSINSLOT", String(slot))).toBe("151");
  });

  test("puts a replica in the place of a master that runs, and of one that was killed", async () => {
    const client = connect();
    await client.set("kept", "value");
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", "kept"));
    const first = await cluster.masterOf(slot);
    const second = await cluster.failover(first);
    expect(await cluster.masterOf(slot)).toBe(second);
    expect(await client.get("kept")).toBe("value");
    await eventually(async () => (await second.command("WAIT", "1", "100")) === "1");
    await second.stop();
    expect(await cluster.failover(second)).toBe(first);
    expect(await client.get("kept")).toBe("value");
    await second.start();
    await eventually(async () => (await cluster.replicasOf(first)).includes(second));
  });

  test("has two sides while a master is cut off: its clients reach it, but it takes no writes for long", async () => {
    const slot = Number(await cluster.nodes[0]?.command("CLUSTER", "KEYSLOT", "divided"));
    const master = await cluster.masterOf(slot);
    const alone = quiet(new Redis(master.url));
    await alone.set("divided", "before");
    await alone.wait(1, 1000);
    await master.disconnect();
    expect(await alone.set("divided", "lost")).toBe("OK");
    const heir = await cluster.failover(master);
    expect(heir).not.toBe(master);
    await eventually(async () =>
      (await alone.set("divided", "refused").catch(String)).includes("CLUSTERDOWN"),
    );
    await master.connect();
    await eventually(async () => (await cluster.replicasOf(heir)).includes(master));
    expect(await connect().get("divided")).toBe("before");
  });
});
