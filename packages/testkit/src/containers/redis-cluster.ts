import { clusterMembership, withSlots, type ClusterMembership } from "./cluster-membership.ts";
import { dockerHost } from "./docker.ts";
import { redisImage } from "./images.ts";
import { moveSlot } from "./move-slot.ts";
import { createNetwork } from "./private-network.ts";
import { startRedisNode, type RedisNode } from "./redis-node.ts";
import { redisCommand, type RedisOptions } from "./redis.ts";
import { together } from "./together.ts";
import { until } from "./until.ts";

export interface RedisCluster extends AsyncDisposable {
  /** Of all nodes, for `new Cluster(cluster.urls)` or any other client: there is nothing to map. */
  readonly urls: string[];
  readonly nodes: readonly RedisNode[];
  /** The masters, in the order of their slots. */
  masters(): Promise<RedisNode[]>;
  masterOf(slot: number): Promise<RedisNode>;
  replicasOf(master: RedisNode): Promise<RedisNode[]>;
  /**
   * Puts a replica in the place of a master and resolves with it once every node that can be reached knows. If the master
   * runs, they agree on it and nothing is lost; if it was stopped, paused or cut off, what it hadn't replicated is.
   */
  failover(master: RedisNode): Promise<RedisNode>;
  /** Moves a slot with its keys to another master, while clients go on. */
  moveSlot(slot: number, to: RedisNode): Promise<void>;
  close(): Promise<void>;
}

export interface RedisClusterOptions extends RedisOptions {
  /** After so many milliseconds without an answer a node counts as dead. Default: 2,000. */
  readonly nodeTimeout?: number;
}

/** Makes nodes that know nothing of each other a cluster; resolves when all know all, and every replica has its data. */
async function form(nodes: readonly RedisNode[], members: ClusterMembership, host: string): Promise<void> {
  const addresses = nodes.map((node) => `${node.address}:${node.port}`);
  const create = [
    "redis-cli",
    "--cluster",
    "create",
    ...addresses,
    "--cluster-replicas",
    "1",
    "--cluster-yes",
  ];
  await nodes[0]?.exec(...create);
  await until("all nodes of the cluster know each other", async () => {
    return await members.agree(
      (all) =>
        withSlots(all).length === 3 &&
        all.every((one) => !one.failed && one.hostname === host) &&
        // A replica that some nodes still take for an empty master would be missed by `replicasOf`.
        withSlots(all).every((master) => all.some((one) => one.masterId === master.id)),
    );
  });
  await until("all replicas have their master's data", async () => {
    const infos = await Promise.all(nodes.map(async (node) => node.command("INFO", "replication")));
    return infos.filter((info) => info.includes("master_link_status:up")).length === 3;
  });
}

/** Three masters with a replica each. Needs Redis 7 or later, or Valkey. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { image = redisImage(), args = [], nodeTimeout = 2000 } = options;
  const [network, host] = [await createNetwork(), await dockerHost()];
  const clusterArgs = (address: string): string[] => [
    ...["--cluster-enabled", "yes", "--cluster-node-timeout", String(nodeTimeout)],
    // Nodes find each other by their addresses on the private network; clients are told the one that they can reach.
    ...["--cluster-announce-ip", address, "--cluster-announce-hostname", host],
    ...["--cluster-preferred-endpoint-type", "hostname"],
    // A replica may take over however long it has heard nothing from its master: tests pause them.
    ...["--cluster-replica-validity-factor", "0", ...args],
  ];
  let nodes: RedisNode[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map(async (node) => node.close()));
    await network[Symbol.asyncDispose]();
  };
  const plan = (port: number, address: string) => ({
    image,
    command: redisCommand(port, clusterArgs(address)),
  });
  try {
    nodes = await together([1, 2, 3, 4, 5, 6].map(async () => startRedisNode(network, plan)));
    const members = clusterMembership(nodes);
    await form(nodes, members, host);
    return {
      urls: nodes.map((node) => node.url),
      nodes,
      masters: async () => (await members.masters()).map(({ node }) => node),
      masterOf: async (slot) => (await members.masterOf(slot)).node,
      replicasOf: async (master) => (await members.replicasOf(master)).map(({ node }) => node),
      failover: async (master) => {
        const replicas = await members.replicasOf(master);
        const heir = replicas.find(({ node }) => node.reachable)?.node;
        if (heir === undefined) throw new Error(`No replica of ${master.url} is running`);
        await heir.command("CLUSTER", "FAILOVER", ...(master.reachable ? [] : ["FORCE"]));
        await until(`every node knows ${heir.url} as a master`, async () => {
          return await members.agree((all) => withSlots(all).some((one) => one.port === heir.port));
        });
        return heir;
      },
      moveSlot: async (slot, node) => {
        const [from, masters] = [await members.masterOf(slot), await members.masters()];
        const to = masters.find((one) => one.node === node);
        if (to === undefined) throw new Error(`${node.url} is no master`);
        if (to.node === from.node) return;
        const others = masters.map((one) => one.node).filter((one) => one !== from.node && one !== node);
        await moveSlot(slot, from, to, others);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
