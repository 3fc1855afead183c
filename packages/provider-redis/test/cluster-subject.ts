import { defineSubject, type Subject } from "@lock/testkit";
import { Redis } from "ioredis";
import { redisProvider, type RedisClusterSource } from "../src/index.ts";
import { RedisStore } from "../src/store.ts";
import { restricted } from "./rights.ts";

/** The nodes' URLs, with blanks between. */
export const nodesVariable = "LOCK_TEST_REDIS_CLUSTER_NODES";

/** As a user who has only the rights that the documentation lists. */
export const clusterOf = (env: Readonly<Record<string, string | undefined>>): RedisClusterSource => ({
  nodes: nodes(env),
  options: { redisOptions: restricted },
});

const nodes = (env: Readonly<Record<string, string | undefined>>): string[] =>
  (env[nodesVariable] ?? "").split(" ");

const subject: Subject = defineSubject({
  name: "@lock/provider-redis on a cluster",
  create: ({ namespace, env }) => redisProvider({ redisCluster: clusterOf(env), namespace }),
  store: ({ namespace, env }) =>
    new RedisStore({ redisCluster: clusterOf(env), namespace, push: true, callTimeout: 5_000 }),
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
