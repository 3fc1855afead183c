import type { Container } from "./container.ts";
import { redisGreeting } from "./greeting.ts";
import { redisImage } from "./images.ts";
import { startContainer, type ContainerPlan } from "./start-container.ts";

export interface RedisServer extends Container {
  readonly url: string;
  /** Sends a command by the server's own `redis-cli` and resolves with the reply as that prints it. */
  command(...words: string[]): Promise<string>;
}

export interface RedisOptions {
  /** Default: `LOCK_TEST_REDIS_IMAGE`, or `redis:8-alpine`. */
  readonly image?: string;
  /** More arguments for `redis-server`, such as `["--appendonly", "yes"]`. By default it keeps nothing on its disk. */
  readonly args?: readonly string[];
}

/** The command that starts a server. */
export function redisCommand(port: number, args: readonly string[]): string[] {
  return [
    ...["redis-server", "--port", String(port), "--protected-mode", "no", "--save", ""],
    // It sends its data to a new replica at once, not after the 5 s in which others could join.
    ...["--repl-diskless-sync-delay", "0", ...args],
  ];
}

/** Starts what speaks Redis' protocol, on the same port inside as outside: what it says of itself is true for everybody. */
export async function startRedisServer(
  plan: (port: number) => Omit<ContainerPlan, "port" | "greeting">,
): Promise<RedisServer> {
  const container = await startContainer((port) => ({ ...plan(port), port, greeting: redisGreeting }));
  const { host, port, exec } = container;
  const command: RedisServer["command"] = async (...words) =>
    (await exec("redis-cli", "-e", "-p", String(port), ...words)).trimEnd();
  return Object.assign(container, { url: `redis://${host}:${port}`, command });
}

/** One Redis. For faults of the network between it and its clients put `startProxy` in front. */
export async function startRedis({
  image = redisImage(),
  args = [],
}: RedisOptions = {}): Promise<RedisServer> {
  return await startRedisServer((port) => ({ image, command: redisCommand(port, args) }));
}
