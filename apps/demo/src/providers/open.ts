import { createLocking, type Locking, type Provider } from "@lock/core";
import type { ProviderId } from "./choices.ts";

/** Imports only what is asked for: without Redis and Postgres at hand, their clients are never loaded. */
async function provider(id: ProviderId, url: string): Promise<Provider> {
  switch (id) {
    case "in-memory":
      return (await import("@lock/provider-memory")).memoryProvider();
    case "redis":
      return (await import("@lock/provider-redis")).redisProvider({ redisUrl: url });
    case "postgres":
      return (await import("@lock/provider-postgres")).postgresProvider({ connectionString: url });
  }
}

/** What the checkouts of one process lock with. */
export async function openLocking(id: ProviderId, url: string | null): Promise<Locking> {
  return createLocking({ providers: [await provider(id, url ?? "")] });
}

/** What has to be there before the first process opens its locking: the tables in Postgres. */
export async function prepare(id: ProviderId, url: string): Promise<void> {
  if (id === "postgres") await (await import("@lock/provider-postgres")).migrate(url);
}
