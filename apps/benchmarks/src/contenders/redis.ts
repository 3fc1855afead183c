import type { Contender } from "../contender.ts";
import { lockContenders } from "./redis/lock.ts";
import { medusaContenders } from "./redis/medusa.ts";
import { nodeRedisson } from "./redis/node-redisson.ts";
import { raw } from "./redis/raw.ts";
import { redisSemaphoreContenders } from "./redis/redis-semaphore.ts";
import { redlockUniversalContenders } from "./redis/redlock-universal.ts";
import { redlockContenders } from "./redis/redlock.ts";
import { simpleRedisMutex } from "./redis/simple-redis-mutex.ts";
import { verrouContenders } from "./redis/verrou.ts";

export const redisContenders: readonly Contender[] = [
  ...lockContenders,
  raw,
  ...verrouContenders,
  ...redisSemaphoreContenders,
  ...redlockContenders,
  ...redlockUniversalContenders,
  simpleRedisMutex,
  nodeRedisson,
  ...medusaContenders,
];
