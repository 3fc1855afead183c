import { Mutex } from "redis-semaphore";
import type { Contender } from "../../contender.ts";
import { connectedClient } from "./client.ts";

function redisSemaphore(name: string, options: { retryInterval?: number }, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    sends: ["set", "evalsha"],
    open: async ({ url }) => {
      const client = await connectedClient(url);
      return {
        run: async (key, job) => {
          const mutex = new Mutex(client, key, options);
          await mutex.acquire();
          try {
            await job();
          } finally {
            await mutex.release();
          }
        },
        close: () => client.disconnect(),
      };
    },
  };
}

export const redisSemaphoreContenders: readonly Contender[] = [
  redisSemaphore("redis-semaphore", {}),
  redisSemaphore("redis-semaphore (tuned)", { retryInterval: 2 }, "retryInterval 2 ms"),
];
