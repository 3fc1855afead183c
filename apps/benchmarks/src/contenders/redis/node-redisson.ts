import { Redisson } from "node-redisson";
import type { Contender } from "../../contender.ts";

/** Its waiters' timers go on after its end, find its connections closed, and nothing catches that. */
function overlookItsTimers(): void {
  process.on("unhandledRejection", (error) => {
    if (!(error instanceof Error) || error.message !== "Connection is closed.") throw error;
  });
}

export const nodeRedisson: Contender = {
  name: "node-redisson",
  standing: "peer",
  scenarios: ["uncontended", "contended"],
  sends: ["evalsha", "eval", "subscribe", "unsubscribe"],
  open: async ({ url }) => {
    const { hostname: host, port, username, password } = new URL(url);
    const redisson = new Redisson({
      redis: {
        options: { host, port: Number(port), ...(username && { username }), ...(password && { password }) },
      },
    });
    return {
      run: async (key, job) => {
        const lock = redisson.getLock(key);
        await lock.lock();
        try {
          await job();
        } finally {
          await lock.unlock();
        }
      },
      close: async () => {
        overlookItsTimers();
        await redisson.quit();
      },
    };
  },
};
