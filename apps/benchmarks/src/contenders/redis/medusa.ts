import type { Redis } from "ioredis";
import type { Contender } from "../../contender.ts";
import { quiet } from "../quiet.ts";
import { fromMedusa, medusaIsHere } from "../medusa.ts";
import { connectedClient } from "./client.ts";

interface RedisLock {
  readonly RedisLockingProvider: new (
    container: { redisClient: Redis; prefix: string; logger: typeof quiet },
    options: { defaultRetryInterval?: number; maximumRetryInterval?: number },
  ) => { execute<T>(key: string, job: () => Promise<T>, args: { timeout: number }): Promise<T> };
}

function medusa(name: string, options: object, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    sends: ["evalsha", "eval"],
    open: async ({ url }) => {
      const { RedisLockingProvider } = fromMedusa(
        "@medusajs/locking-redis/dist/services/redis-lock.js",
      ) as RedisLock;
      const redisClient = await connectedClient(url);
      const provider = new RedisLockingProvider({ redisClient, prefix: "medusa:", logger: quiet }, options);
      return {
        run: (key, job) => provider.execute(key, async () => job(), { timeout: 60 }),
        close: () => redisClient.disconnect(),
      };
    },
  };
}

export const medusaContenders: readonly Contender[] = medusaIsHere
  ? [
      medusa("Medusa locking-redis", {}),
      medusa(
        "Medusa locking-redis (tuned)",
        { defaultRetryInterval: 5, maximumRetryInterval: 5 },
        "retries every 5 ms",
      ),
    ]
  : [];
