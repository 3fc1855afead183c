import { defineSubject, type Subject } from "@lock/testkit";
import { Redis } from "ioredis";
import { redisProvider } from "../src/index.ts";
import { RedisStore } from "../src/store.ts";

/** The nodes' URLs, with blanks between. */
export const nodesVariable = "LOCK_TEST_REDIS_CLUSTER_NODES";

const nodes = (env: Readonly<Record<string, string | undefined>>): string[] =>
  (env[nodesVariable] ?? "").split(" ");

const subject: Subject = defineSubject({
  name: "@lock/provider-redis on a cluster",
  create: ({ namespace, env }) => redisProvider({ redisCluster: { nodes: nodes(env) }, namespace }),
  store: ({ namespace, env }) =>
    new RedisStore({ redisCluster: { nodes: nodes(env) }, namespace, push: true, callTimeout: 5_000 }),
  entries: async ({ namespace, env }) => {
    const names = new Set<string>();
    for (const url of nodes(env)) {
      const redis = new Redis(url);
      for await (const found of redis.scanStream({ match: `${namespace}{*`, count: 1_000 })) {
        for (const name of found as string[]) names.add(name);
      }
      await redis.quit();
    }
    return names.size;
  },
});
export default subject;
