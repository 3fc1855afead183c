import advisoryLocks from "advisory-lock";
import type { Contender } from "../../contender.ts";

/** It opens a connection for each lock. */
export const advisoryLock: Contender = {
  name: "advisory-lock",
  standing: "peer",
  scenarios: ["uncontended", "contended"],
  open: async ({ url }) => {
    const createMutex = advisoryLocks.default(url);
    return { run: (key, job) => createMutex(key).withLock(async () => job()), close: () => {} };
  },
};
