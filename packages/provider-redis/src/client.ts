import { Redis, type RedisOptions } from "ioredis";
import { LockError } from "@lock/core";

/** The part of an ioredis client (`Redis`, version 5 or 6) that the provider uses. */
export interface RedisClient {
  readonly status: string;
  readonly isCluster: boolean;
  readonly options: {
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly path?: string | null | undefined;
    readonly autoResendUnfulfilledCommands?: boolean | undefined;
  };
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  connect(): Promise<void>;
  disconnect(): void;
  duplicate(override: object): RedisClient;
  on(event: "ready" | "close" | "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "message", listener: (channel: string, message: string) => void): unknown;
  off(event: "ready" | "close" | "end", listener: () => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  off(event: "message", listener: (channel: string, message: string) => void): unknown;
}

/** Where the provider's connections come from: exactly one of a URL, a ready client, or ioredis options that name a server. */
export interface ClientSource {
  /**
   * The server, as `redis://user:password@host:6379/0`, `rediss://…` with TLS, or the path of a socket. The provider opens its own connections
   * with it and closes them.
   */
  readonly redisUrl?: string | undefined;
  /**
   * A ready ioredis client, used for all commands and never closed. The provider duplicates it once, for the connection
   * that listens; that one it closes. Don't send blocking commands (`BLPOP`, `XREAD BLOCK`) on it: locks would wait behind them.
   */
  readonly client?: RedisClient | undefined;
  /**
   * Options of ioredis for the provider's own connections (`tls`, `username`, `sentinels`, …), beside `redisUrl` or in its place.
   * Connections come back by themselves whatever `retryStrategy` says, and are given up when the server has been silent for
   * twice the `callTimeout` (`socketTimeout`). Default: those of ioredis.
   */
  readonly redisOptions?: RedisOptions | undefined;
}

/** Milliseconds after which a socket that the server doesn't close is destroyed. */
export const DISCONNECT_TIMEOUT = 500;
const RECONNECT_PAUSE = 50;
const LONGEST_RECONNECT_PAUSE = 1_000;

/** A pause that grows, and never "no more": a lock provider whose connection stayed away would be of no use again. */
export function reconnectPause(times: number): number {
  return Math.min(times * RECONNECT_PAUSE, LONGEST_RECONNECT_PAUSE);
}

/** @throws {LockError} `LOCK_CONFIG` unless the source names exactly one server. */
export function checkSource({ redisUrl, client, redisOptions }: ClientSource): void {
  if (client !== undefined) {
    if (redisUrl !== undefined || redisOptions !== undefined) {
      throw misconfigured(
        "takes a client or its own connections, not both: leave out client, or redisUrl and redisOptions",
      );
    }
    if (typeof client?.duplicate !== "function" || typeof client.call !== "function") {
      throw misconfigured("needs an ioredis client: { client: new Redis(url) }");
    }
    if (client.isCluster) {
      throw misconfigured("works with one server, not with a Cluster client: { client: new Redis(url) }");
    }
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
  return /^rediss?:\/\//.test(text) && URL.canParse(text);
}

function misconfigured(what: string): LockError {
  return new LockError("LOCK_CONFIG", `redisProvider ${what}`);
}

/** A client of the provider's own, not connected yet. */
export function ownClient(source: ClientSource, callTimeout: number): RedisClient {
  const given = source.redisOptions ?? {};
  const options: RedisOptions = {
    // An unreachable address is noticed sooner than ioredis would; a server that fell silent (a dropped NAT entry) at all.
    connectTimeout: 5_000,
    disconnectTimeout: DISCONNECT_TIMEOUT,
    socketTimeout: callTimeout * 2,
    // After a failover the old master is a replica: the new one is found by connecting anew.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...given,
    retryStrategy: (times) => {
      const pause = given.retryStrategy?.(times);
      return typeof pause === "number" ? pause : reconnectPause(times);
    },
    lazyConnect: true,
    // Requests are repeated by those who know whether they may be.
    autoResendUnfulfilledCommands: false,
  };
  if (source.redisUrl === undefined) return new Redis(options as typeof options & { replyMapping: "legacy" });
  return new Redis(source.redisUrl, options as typeof options & { replyMapping: "legacy" });
}
