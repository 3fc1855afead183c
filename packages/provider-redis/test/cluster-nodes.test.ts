import { startProxy } from "@lock/testkit";
import { startRedisCluster } from "@lock/testkit/containers";
import { expect, it, onTestFinished } from "vitest";
import type { RedisClusterClient } from "../src/cluster-client.ts";
import { Connection } from "../src/connection.ts";
import { eventually } from "./eventually.ts";
import { instance, journal } from "./instance.ts";

it("a replica that a cluster client learns of is not taken for a new server, which would have every bucket made sure of again", async () => {
  await using cluster = await startRedisCluster({ nodeTimeout: 1_000 });
  const [master] = await cluster.masters();
  const [replica] = await cluster.replicasOf(master!);
  const known = async (): Promise<boolean> =>
    (await master!.command("CLUSTER", "SLOTS")).includes(String(replica!.port));
  await replica!.stop();
  await eventually(known).toBe(false);
  const options = { slotsRefreshInterval: 100 };
  const nodes = cluster.urls.filter((url) => url !== replica!.url);
  const connection = new Connection({ redisCluster: { nodes, options } }, 5_000);
  await connection.open("locking-redis", journal().logger, []);
  try {
    const client = connection.client as RedisClusterClient;
    const replicas = (): (number | undefined)[] =>
      client.nodes("slave").map((node) => (node as { options: { port?: number } }).options.port);
    const before = connection.standing;
    expect(before).toBeGreaterThan(0);
    expect(replicas()).not.toContain(replica!.port);
    await replica!.start();
    await eventually(replicas).toContain(replica!.port);
    expect(connection.standing).toBe(before);
  } finally {
    await connection.close();
  }
}, 60_000);

it("wake-up connections that died in silence are made anew, and then every waiter is asked for", async () => {
  await using cluster = await startRedisCluster();
  const proxies = await Promise.all(cluster.nodes.map((node) => startProxy(node)));
  onTestFinished(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  });
  const natMap = Object.fromEntries(
    cluster.nodes.map(({ host, port }, n) => [`${host}:${port}`, proxies[n] as (typeof proxies)[number]]),
  );
  await using one = await instance({ redisCluster: { nodes: cluster.urls, options: { natMap } } });
  for (const proxy of proxies) proxy.stall();
  // Until they were looked at and not answered for; other connections are given up after 10 s.
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  for (const proxy of proxies) proxy.resume();
  await one.wokenFor("*");
}, 45_000);
