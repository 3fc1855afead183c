import { createLocking, type Locking, type Provider } from "@lock/core";
import type { ProviderId } from "./choices.ts";

/** Apart from the locks of whatever else uses the same server. */
const NAMESPACE = "lock-demo";

/** Imports only what is asked for: without Redis and Postgres at hand, their clients are never loaded. */
const providers: Readonly<Record<ProviderId, (url: string) => Promise<Provider>>> = {
  "in-memory": async () => (await import("@lock/provider-memory")).memoryProvider(),
  redis: async (redisUrl) =>
    (await import("@lock/provider-redis")).redisProvider({ redisUrl, namespace: NAMESPACE }),
  postgres: async (connectionString) =>
    (await import("@lock/provider-postgres")).postgresProvider({ connectionString, namespace: NAMESPACE }),
};

/** What the checkouts of one process lock with. */
export async function openLocking(id: ProviderId, url: string | null): Promise<Locking> {
  return createLocking({ providers: [await providers[id](url ?? "")] });
}

/** What has to be there before the first process opens its locking: the tables in Postgres. */
export async function prepare(id: ProviderId, url: string): Promise<void> {
  if (id === "postgres") await (await import("@lock/provider-postgres")).migrate(url);
}
