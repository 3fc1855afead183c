import { createLocking, type Locking, type Provider } from "@lock/core";
import { memoryProvider } from "@lock/provider-memory";
import { migrate, postgresProvider } from "@lock/provider-postgres";
import { redisProvider } from "@lock/provider-redis";
import type { BackendName } from "../contenders/of-backend.ts";
import { quiet } from "../contenders/quiet.ts";

const NAMESPACE = "held-benchmark:";

function provider(backend: BackendName, url: string): Provider {
  switch (backend) {
    case "redis":
      return redisProvider({ redisUrl: url, namespace: NAMESPACE });
    case "postgres":
      return postgresProvider({ connectionString: url, namespace: NAMESPACE });
    case "memory":
      return memoryProvider();
  }
}

const services = new Map<string, Promise<Locking>>();

async function connect(backend: BackendName, url: string): Promise<Locking> {
  if (backend === "postgres") await migrate(url);
  return createLocking({ providers: [provider(backend, url)], logger: quiet });
}

/** The service for what only ours is measured at, connected once in a process. */
export function ourLocking(backend: BackendName, url: string): Promise<Locking> {
  const known = services.get(`${backend} ${url}`) ?? connect(backend, url);
  services.set(`${backend} ${url}`, known);
  return known;
}
