import { LockFactory } from "@verrou/core";
import { redisStore } from "@verrou/core/drivers/redis";
import type { Contender } from "../../contender.ts";
import { connectedClient } from "./client.ts";

function verrou(name: string, retry: { delay?: number }, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    sends: ["set", "eval"],
    open: async ({ url }) => {
      const client = await connectedClient(url);
      const factory = new LockFactory(redisStore({ connection: client }).factory(), { retry });
      return {
        run: (key, job) => factory.createLock(`verrou:${key}`).run(async () => job()),
        close: () => client.disconnect(),
      };
    },
  };
}

export const verrouContenders: readonly Contender[] = [
  verrou("Verrou", {}),
  verrou("Verrou (tuned)", { delay: 5 }, "retry.delay 5 ms"),
];
