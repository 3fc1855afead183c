import { createLock, IoredisAdapter, type CreateLockConfig } from "redlock-universal";
import type { Contender } from "../../contender.ts";
import { connectedClient } from "./client.ts";

type Settings = Partial<
  Pick<CreateLockConfig, "retryAttempts" | "retryDelay" | "performance" | "circuitBreaker">
>;

function redlockUniversal(name: string, settings: Settings, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: ["uncontended", "contended"],
    sends: ["set", "evalsha", "ping"],
    open: async ({ url }) => {
      const client = await connectedClient(url);
      const adapter = new IoredisAdapter(client);
      return {
        run: (key, job) =>
          createLock({ adapter, key: `universal:${key}`, ...settings }).using(async () => job()),
        close: () => client.disconnect(),
      };
    },
  };
}

export const redlockUniversalContenders: readonly Contender[] = [
  redlockUniversal("redlock-universal", {}),
  redlockUniversal(
    "redlock-universal (tuned)",
    { performance: "lean", retryAttempts: 10_000, retryDelay: 5, circuitBreaker: false },
    "lean, no circuit breaker, 10,000 retries every 5 ms",
  ),
];
