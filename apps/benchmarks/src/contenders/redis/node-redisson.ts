import { Redisson } from "node-redisson";
import type { Contender } from "../../contender.ts";

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
      close: () => redisson.quit(),
    };
  },
};
