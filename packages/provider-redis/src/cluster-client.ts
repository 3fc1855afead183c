import { Cluster, type ClusterNode, type ClusterOptions } from "ioredis";
import { type AnyClient, DISCONNECT_TIMEOUT, type RedisClient, reconnectPause } from "./client.ts";

/** The part of an ioredis `Cluster` (version 5 or 6) that the provider uses. */
export interface RedisClusterClient extends AnyClient {
  readonly isCluster: boolean;
  readonly options: ClusterOptions;
  duplicate(nodes?: ClusterNode[], override?: ClusterOptions): RedisClusterClient;
  nodes(role?: "all" | "master" | "slave"): RedisClient[];
}

/** A cluster by some of its nodes, which tell the others. */
export interface RedisClusterSource {
  /** URLs, or `{ host, port }`; at least one. */
  readonly nodes: readonly ClusterNode[];
  /** Options of ioredis' `Cluster` (`natMap`, `dnsLookup`, `redisOptions: { tls, username, … }`, …). Default: those of ioredis. */
  readonly options?: ClusterOptions | undefined;
}

/** A cluster client of the provider's own, not connected yet: of the same nodes and settings where a ready one is given. */
export function ownCluster(
  source: RedisClusterSource | RedisClusterClient,
  callTimeout: number,
): RedisClusterClient {
  const given = source.options ?? {};
  const redisOptions = {
    connectTimeout: 5_000,
    disconnectTimeout: DISCONNECT_TIMEOUT,
    socketTimeout: callTimeout * 2,
    ...given.redisOptions,
    autoResendUnfulfilledCommands: false,
    replyMapping: "legacy" as const,
  };
  const options = {
    slotsRefreshTimeout: 2_000,
    ...given,
    redisOptions,
    lazyConnect: true,
    scaleReads: "master" as const,
    shardedSubscribers: false,
    enableAutoPipelining: false,
    clusterRetryStrategy: reconnectPause,
    clusterNodeRetryStrategy: null,
    // Requests whose answer was lost are repeated by those who know whether they may be.
    retryDelayOnFailover: 0,
  };
  const cluster = "call" in source ? source.duplicate([], options) : new Cluster([...source.nodes], options);
  cluster.on("+node", watchAsking);
  return cluster;
}

/**
 * Of a slot that moves, ioredis sends ASKING before a request and leaves the answer alone: one that fails, since the connection is cut
 * or the user may not, would end the process. What the request itself comes to tells its caller.
 */
function watchAsking(node: unknown): void {
  const client = node as { asking(): Promise<unknown> };
  const ask = client.asking.bind(client);
  client.asking = () => {
    const answer = ask();
    answer.catch(() => {});
    return answer;
  };
}
