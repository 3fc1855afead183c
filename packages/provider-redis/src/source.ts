import type { ClusterOptions, RedisOptions } from "ioredis";
import { LockError } from "@lock/core";
import type { RedisClient } from "./client.ts";
import type { RedisClusterClient, RedisClusterSource } from "./cluster-client.ts";

/** Where the provider's connections come from: exactly one of a URL, a ready client, a cluster, or ioredis options that name a server. */
export interface ClientSource {
  /**
   * The server, as `redis://user:password@host:6379/0`, `rediss://…` with TLS, or the path of a socket. The provider opens its own connections
   * with it and closes them.
   */
  readonly redisUrl?: string | undefined;
  /**
   * A ready ioredis client, used for all commands and never closed. The provider duplicates it once, for the connection
   * that listens; that one it closes. Don't send blocking commands (`BLPOP`, `XREAD BLOCK`) on it: locks would wait behind them.
   * Of a ready `Cluster` the nodes and settings are used, for connections of the provider's own.
   */
  readonly client?: RedisClient | RedisClusterClient | undefined;
  /**
   * A Redis Cluster (7 or later) by some of its nodes. Locks are spread over its servers, see `shards`; a claim on keys of several
   * buckets is taken bucket by bucket.
   */
  readonly redisCluster?: RedisClusterSource | undefined;
  /**
   * Options of ioredis for the provider's own connections (`tls`, `username`, `sentinels`, …), beside `redisUrl` or in its place.
   * Connections come back by themselves whatever `retryStrategy` says, and are given up when the server has been silent for
   * twice the `callTimeout` (`socketTimeout`). Default: those of ioredis.
   */
  readonly redisOptions?: RedisOptions | undefined;
}

export function isCluster(client: RedisClient | RedisClusterClient): client is RedisClusterClient {
  return client.isCluster;
}

/** @throws {LockError} `LOCK_CONFIG` unless the source names exactly one server. */
export function checkSource({ redisUrl, client, redisOptions, redisCluster }: ClientSource): void {
  if (client !== undefined) {
    if (redisUrl !== undefined || redisOptions !== undefined || redisCluster !== undefined) {
      throw misconfigured(
        "takes a client or its own connections, not both: leave out client, or redisUrl, redisOptions and redisCluster",
      );
    }
    if (typeof client?.duplicate !== "function" || typeof client.call !== "function") {
      throw misconfigured(
        "needs an ioredis client: { client: new Redis(url) } or { client: new Cluster(nodes) }",
      );
    }
    if (isCluster(client)) checkPrefix(client.options);
    return;
  }
  if (redisCluster !== undefined) {
    if (redisUrl !== undefined || redisOptions !== undefined) {
      throw misconfigured(
        "takes one server or a cluster, not both: options of the cluster's connections stand in redisCluster.options.redisOptions",
      );
    }
    if (!Array.isArray(redisCluster?.nodes) || redisCluster.nodes.length === 0) {
      throw misconfigured('needs redisCluster to name nodes: { nodes: ["redis://host:6379", …] }');
    }
    checkPrefix(redisCluster.options ?? {});
    return;
  }
  if (redisOptions !== undefined && (typeof redisOptions !== "object" || redisOptions === null)) {
    throw misconfigured("needs redisOptions to be an object of ioredis options");
  }
  if (redisUrl === undefined) {
    const { host, path, sentinels } = redisOptions ?? {};
    if (host ?? path ?? sentinels) return;
    // Never ioredis' default of localhost: a variable that is not set must not go unnoticed.
    throw misconfigured(
      'needs a server: { redisUrl: "redis://localhost:6379" } or { client: new Redis(url) }; redisUrl is undefined',
    );
  }
  if (typeof redisUrl !== "string" || !(redisUrl.startsWith("/") || isRedisUrl(redisUrl))) {
    throw misconfigured(
      'needs redisUrl to be a URL such as "redis://user:password@host:6379/0" or "rediss://host"',
    );
  }
}

function isRedisUrl(text: string): boolean {
  // Of a database that is no number ioredis makes an error that nobody can catch, and goes on in the first one.
  return /^rediss?:\/\//.test(text) && URL.canParse(text) && /^\/?(?:\d|$)/.test(new URL(text).pathname);
}

function misconfigured(what: string): LockError {
  return new LockError("LOCK_CONFIG", `redisProvider ${what}`);
}

function checkPrefix({ keyPrefix, redisOptions }: ClusterOptions): void {
  // It would be the hash tag of every name, in place of ours.
  if (!/[{}]/.test(`${keyPrefix ?? ""}${redisOptions?.keyPrefix ?? ""}`)) return;
  throw misconfigured("can't work with a keyPrefix that has braces on a cluster: name a namespace instead");
}
