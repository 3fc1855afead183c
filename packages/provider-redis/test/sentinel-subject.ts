import { defineSubject, type Subject } from "@lock/testkit";
import type { RedisSentinel } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { redisProvider } from "../src/index.ts";
import { RedisStore } from "../src/store.ts";
import { restricted } from "./rights.ts";

/** The name of the master, the sentinels and the addresses to reach it at, as JSON. */
export const sentinelVariable = "LOCK_TEST_REDIS_SENTINEL";

const found = (env: Readonly<Record<string, string | undefined>>): RedisSentinel["options"] =>
  JSON.parse(env[sentinelVariable] ?? "{}") as RedisSentinel["options"];

/** As a user who has only the rights that the documentation lists. */
const behind = (env: Readonly<Record<string, string | undefined>>) => ({
  redisOptions: { ...found(env), ...restricted },
});

const subject: Subject = defineSubject({
  name: "@lock/provider-redis behind sentinels",
  create: ({ namespace, env }) => redisProvider({ ...behind(env), namespace }),
  store: ({ namespace, env }) =>
    new RedisStore({ ...behind(env), namespace, push: true, callTimeout: 5_000 }),
  entries: async ({ namespace, env }) => {
    const redis = new Redis({ ...found(env) });
    const names = new Set<string>();
    for await (const page of redis.scanStream({ match: `${namespace}{*`, count: 1_000 })) {
      for (const name of page as string[]) names.add(name);
    }
    await redis.quit();
    return names.size;
  },
});
export default subject;
