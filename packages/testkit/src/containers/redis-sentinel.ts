import { redisImage } from "./images.ts";
import { createNetwork } from "./private-network.ts";
import { startRedisNode, type RedisNode } from "./redis-node.ts";
import { redisCommand, type RedisOptions } from "./redis.ts";
import { startSentinelNode } from "./sentinel-node.ts";
import { together } from "./together.ts";
import { until } from "./until.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RedisSentinel extends AsyncDisposable {
  /**
   * For ioredis: `new Redis({ ...sentinel.options })`. Sentinels tell the addresses at which they themselves reach the
   * servers; `natMap` has the ones that clients on this machine reach instead.
   */
  readonly options: {
    readonly name: string;
    readonly sentinels: Address[];
    readonly natMap: Record<string, Address>;
  };
  /** The Redis servers: at first the master, then its replica. */
  readonly nodes: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  /** The server that the sentinels now name as the master. */
  master(): Promise<RedisNode>;
  /**
   * Puts the replica in the master's place, and resolves with it once every sentinel that runs names it. The old master,
   * if it runs, takes writes that will be lost until the sentinels make it a replica, which may last 10 s; another failover
   * waits for that.
   */
  failover(): Promise<RedisNode>;
  close(): Promise<void>;
}

export interface RedisSentinelOptions extends RedisOptions {
  /** How many sentinels watch. Default: 1. With 3, any two of them can replace the master. */
  readonly sentinels?: 1 | 2 | 3;
  /** After so many milliseconds without an answer a server counts as dead. Default: 2,000. */
  readonly downAfter?: number;
}

const name = "mymaster";

/** A Redis with a replica, and the sentinels that watch them. */
export async function startRedisSentinel(options: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const { image = redisImage(), args = [], sentinels: count = 1, downAfter = 2000 } = options;
  const network = await createNetwork();
  const started: RedisNode[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map(async (node) => node.close()));
    await network[Symbol.asyncDispose]();
  };
  const keep = async (starting: Promise<RedisNode>[]): Promise<RedisNode[]> => {
    const nodes = await together(starting);
    started.push(...nodes);
    return nodes;
  };
  try {
    const plan = (port: number) => ({ image, command: redisCommand(port, args) });
    const nodes = await keep([1, 2].map(async () => startRedisNode(network, plan)));
    const [first, second] = nodes as [RedisNode, RedisNode];
    // By a command, not an argument: whoever is started again comes up alone and is told its part by the sentinels.
    await second.command("REPLICAOF", first.address, String(first.port));
    await until("the replica has the master's data", async () => {
      return (await second.command("INFO", "replication")).includes("master_link_status:up");
    });

    const quorum = Math.floor(count / 2) + 1;
    const watch = [
      `sentinel monitor ${name} ${first.address} ${first.port} ${quorum}`,
      `sentinel down-after-milliseconds ${name} ${downAfter}`,
      `sentinel failover-timeout ${name} ${2 * downAfter}`,
    ];
    const ordinals = [1, 2, 3].slice(0, count);
    const sentinels = await keep(ordinals.map(async () => startSentinelNode(network, image, watch)));
    await until("the sentinels know the replica and each other", async () => {
      const all = sentinels.map(async (sentinel) => {
        const state = await sentinel.command("INFO", "sentinel");
        return state.includes("status=ok,") && state.includes(`slaves=1,sentinels=${count}`);
      });
      return (await Promise.all(all)).every(Boolean);
    });

    const named = async (): Promise<RedisNode[]> => {
      const asked = sentinels.filter((sentinel) => sentinel.reachable);
      if (asked.length === 0) throw new Error("No sentinel is running");
      return await Promise.all(
        asked.map(async (sentinel) => {
          const reply = await sentinel.command("SENTINEL", "get-master-addr-by-name", name);
          const node = nodes.find((node) => reply === `${node.address}\n${node.port}`);
          if (node === undefined) throw new Error(`The sentinel ${sentinel.url} names ${reply}`);
          return node;
        }),
      );
    };
    const master = async (): Promise<RedisNode> => ((await named()) as [RedisNode])[0];
    const failover = async (): Promise<RedisNode> => {
      const before = await master();
      const heir = before === first ? second : first;
      if (before.reachable && heir.reachable) {
        await until(`${heir.url} is a replica`, async () => {
          return (await before.command("INFO", "replication")).includes("state=online");
        });
      }
      const agreed = async (): Promise<boolean> => (await named()).every((node) => node === heir);
      await until(`a sentinel starts to put ${heir.url} in the master's place`, async () => {
        const sentinel = sentinels.find((sentinel) => sentinel.reachable);
        // Refused while another failover is under way, or the replica isn't known to be one since the last.
        const asked = sentinel?.command("SENTINEL", "FAILOVER", name).catch(() => undefined);
        return (await asked) === "OK" || (await agreed());
      });
      await until(`every sentinel names ${heir.url}`, agreed);
      return heir;
    };
    const natMap = started.map((node): [string, Address] => [
      `${node.address}:${node.port}`,
      { host: node.host, port: node.port },
    ]);
    return {
      options: {
        name,
        sentinels: sentinels.map(({ host, port }) => ({ host, port })),
        natMap: Object.fromEntries(natMap),
      },
      nodes,
      sentinels,
      master,
      failover,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
