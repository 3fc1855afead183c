import Redlock from "redlock";
import type { Contender } from "../../contender.ts";
import { connectedClient } from "./client.ts";

const LEASE = 10_000;

type Settings = ConstructorParameters<typeof Redlock>[1];

function redlock(name: string, settings: Settings, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    sends: ["evalsha"],
    open: async ({ url }) => {
      const client = await connectedClient(url);
      const redlock = new Redlock([client], settings);
      // Every try that finds the key held is reported here.
      redlock.on("error", () => {});
      return {
        run: (key, job) => redlock.using([`redlock:${key}`], LEASE, async () => job()),
        close: () => client.disconnect(),
      };
    },
  };
}

export const redlockContenders: readonly Contender[] = [
  redlock("redlock", {}),
  redlock(
    "redlock (tuned)",
    { retryCount: -1, retryDelay: 5, retryJitter: 5 },
    "retries without end, 5 ms + jitter 5 ms",
  ),
];
