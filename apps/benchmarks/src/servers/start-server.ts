import type { BackendName } from "../contenders/of-backend.ts";
import { noServer } from "./memory.ts";
import { postgresServer } from "./postgres.ts";
import { redisServer } from "./redis.ts";
import type { Server } from "./server.ts";

/** @throws {Error} that says what to install or set. */
export async function startServer(backend: BackendName, environment: NodeJS.ProcessEnv): Promise<Server> {
  if (backend === "memory") return noServer;
  try {
    return await (backend === "redis" ? redisServer(environment) : postgresServer(environment));
  } catch (cause) {
    const variable = backend === "redis" ? "LOCK_TEST_REDIS_URL" : "LOCK_TEST_POSTGRES_URL";
    const reason = cause instanceof Error ? cause.message : String(cause);
    const advice = `install Docker and start it, or set ${variable} to the URL of a server to use`;
    throw new Error(`${backend} can't be measured: ${advice} (${reason})`, { cause });
  }
}
