import { createLocking } from "@lock/core";
import { redisProvider } from "@lock/provider-redis";
import type { Contender } from "../../contender.ts";
import { quiet } from "../quiet.ts";

function contender(name: string, scenarios: Contender["scenarios"], handoff: boolean): Contender {
  return {
    name,
    standing: "ours",
    scenarios,
    // And DEL, once a second at most, where it had told the server whom to tell of others: the scripts' own hide it.
    sends: ["evalsha", "eval"],
    open: async ({ url }) => {
      const locking = await createLocking({
        providers: [redisProvider({ redisUrl: url, namespace: "lock-benchmark:", handoff })],
        logger: quiet,
      });
      return {
        run: (key, job) => locking.execute(key, job, { timeout: "60s" }),
        close: () => locking.close(),
      };
    },
  };
}

/** With its defaults, and with every release by way of the server. */
export const lockContenders: readonly Contender[] = [
  contender("@lock", ["uncontended", "contended"], true),
  contender("@lock, handoff: false", ["contended"], false),
];
