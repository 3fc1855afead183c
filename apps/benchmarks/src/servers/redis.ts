import { RedisContainer } from "@testcontainers/redis";
import { Redis } from "ioredis";
import type { Server } from "./server.ts";

/** The server whose URL is set as for the tests, or a container of the image that the tests use. */
export async function redisServer(environment: NodeJS.ProcessEnv): Promise<Server> {
  const given = environment["LOCK_TEST_REDIS_URL"];
  const image = environment["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine";
  const container = given ? null : await new RedisContainer(image).start();
  const url = given ?? container!.getConnectionUrl();
  const client = new Redis(url);
  const field = async (section: string, name: RegExp): Promise<string> =>
    name.exec(await client.info(section))?.[1] ?? "NaN";
  return {
    url,
    about: `Redis ${await field("server", /^redis_version:(\S+)/m)}${given ? "" : " in a container"}`,
    requests: async ({ sends = [] }) => {
      const stats = await client.info("commandstats");
      const calls = [...stats.matchAll(/^cmdstat_([^:|]+)[^:]*:calls=(\d+)/gm)];
      return calls.reduce((sum, [, name = "", count]) => sum + (sends.includes(name) ? Number(count) : 0), 0);
    },
    // All but the one that asks.
    connections: async () => Number(await field("clients", /^connected_clients:(\d+)/m)) - 1,
    stored: async () => Number(await field("memory", /^used_memory:(\d+)/m)),
    computed: async () => {
      const user = Number(await field("cpu", /^used_cpu_user:(\S+)/m));
      return user + Number(await field("cpu", /^used_cpu_sys:(\S+)/m));
    },
    stop: async () => {
      client.disconnect();
      await container?.stop();
    },
  };
}
