import { createClient, type RedisClientType } from "redis";
import { lock } from "simple-redis-mutex";
import type { Contender } from "../../contender.ts";

/** The one that takes a node-redis client. */
export const simpleRedisMutex: Contender = {
  name: "simple-redis-mutex",
  standing: "peer",
  scenarios: ["uncontended", "contended"],
  sends: ["set", "incr", "evalsha"],
  open: async ({ url }) => {
    const client = createClient({ url }) as RedisClientType;
    client.on("error", () => {});
    await client.connect();
    return {
      run: async (key, job) => {
        const release = await lock(client, key);
        try {
          await job();
        } finally {
          await release();
        }
      },
      close: () => client.close(),
    };
  },
};
