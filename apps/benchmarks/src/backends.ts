import type { Provider } from "@lock/core";
import { memoryProvider } from "@lock/provider-memory";
import { migrate, postgresProvider } from "@lock/provider-postgres";
import { redisProvider } from "@lock/provider-redis";

export interface Backend {
  readonly name: string;
  readonly open: () => Promise<Provider>;
}

/** What can be measured here: memory, and the servers whose URLs are set as for the demo. */
export function backends(environment: NodeJS.ProcessEnv, namespace: string): Backend[] {
  const redisUrl = environment["LOCKING_REDIS_URL"];
  const connectionString = environment["LOCKING_DATABASE_URL"];
  const found: Backend[] = [{ name: "memory", open: async () => memoryProvider() }];
  if (redisUrl) found.push({ name: "redis", open: async () => redisProvider({ redisUrl, namespace }) });
  if (connectionString) {
    const open = async (): Promise<Provider> => {
      await migrate(connectionString);
      return postgresProvider({ connectionString, namespace });
    };
    found.push({ name: "postgres", open });
  }
  return found;
}
