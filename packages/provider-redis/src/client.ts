import { Redis, type RedisOptions } from "ioredis";
import { words } from "./failures.ts";
import type { ClientSource } from "./source.ts";

/** What a client of one server and one of a cluster have in common. */
export interface AnyClient {
  readonly status: string;
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  pipeline(commands: unknown[][]): { exec(): Promise<[error: Error | null, reply: unknown][] | null> };
  connect(): Promise<void>;
  disconnect(): void;
  on(event: "ready" | "close" | "end" | "moved" | "refresh", listener: () => void): unknown;
  on(event: "+node", listener: (node: unknown) => void): unknown;
  on(event: "error" | "node error", listener: (error: Error) => void): unknown;
  on(event: "message" | "smessage", listener: (channel: string, message: string) => void): unknown;
  off(event: "ready" | "close" | "end" | "moved" | "refresh", listener: () => void): unknown;
  off(event: "+node", listener: (node: unknown) => void): unknown;
  off(event: "error" | "node error", listener: (error: Error) => void): unknown;
  off(event: "message" | "smessage", listener: (channel: string, message: string) => void): unknown;
}

/** The part of an ioredis client (`Redis`, version 5 or 6) that the provider uses. */
export interface RedisClient extends AnyClient {
  readonly isCluster: boolean;
  readonly options: {
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly path?: string | null | undefined;
    readonly db?: number | undefined;
    readonly autoResendUnfulfilledCommands?: boolean | undefined;
    readonly keyPrefix?: string | undefined;
  };
  duplicate(override: object): RedisClient;
}

/** Milliseconds after which a socket that the server doesn't close is destroyed. */
export const DISCONNECT_TIMEOUT = 500;
const RECONNECT_PAUSE = 50;
const LONGEST_RECONNECT_PAUSE = 1_000;

/** A pause that grows, and never "no more": a lock provider whose connection stayed away would be of no use again. */
export function reconnectPause(times: number): number {
  return Math.min(times * RECONNECT_PAUSE, LONGEST_RECONNECT_PAUSE);
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
    reconnectOnError: (error) => words(error).startsWith("READONLY"),
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
