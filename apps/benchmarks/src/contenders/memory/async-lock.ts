import AsyncLock from "async-lock";
import type { Contender } from "../../contender.ts";

export const asyncLock: Contender = {
  name: "async-lock",
  standing: "peer",
  scenarios: ["uncontended", "contended", "queue", "bytes"],
  open: async () => {
    // By default it refuses more than 1,000 waiters.
    const locks = new AsyncLock({ maxPending: Infinity });
    return { run: (key, job) => locks.acquire(key, job), close: () => {} };
  },
};
