import { createLocking } from "@lock/core";
import { redisProvider } from "@lock/provider-redis";
import type { Contender } from "../../contender.ts";
import { quiet } from "../quiet.ts";

export const lock: Contender = {
  name: "@lock",
  standing: "ours",
  scenarios: ["uncontended", "contended"],
  sends: ["evalsha", "eval"],
  open: async ({ url }) => {
    const locking = await createLocking({
      providers: [redisProvider({ redisUrl: url, namespace: "lock-benchmark:" })],
      logger: quiet,
    });
    return {
      run: (key, job) => locking.execute(key, job, { timeout: "60s" }),
      close: () => locking.close(),
    };
  },
};
