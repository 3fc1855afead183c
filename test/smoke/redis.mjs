import { createLocking } from "@lock/core";
import { redisProvider } from "@lock/provider-redis";

const namespace = `smoke-${process.pid}-${Date.now()}:`;
const provider = redisProvider({ redisUrl: process.env.LOCK_TEST_REDIS_URL, namespace });
const locking = await createLocking({ providers: [provider] });
const token = await locking.execute("prod_123", (lock) => lock.fencingToken, { timeout: 5 });
await locking.acquire("prod_123", { ownerId: "user_123", expire: 60 });
const freed = await locking.release("prod_123", { ownerId: "user_123" });
await locking.close();
console.log(typeof token, freed);
