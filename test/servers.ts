import { PostgreSqlContainer } from "@testcontainers/postgresql";
import { RedisContainer } from "@testcontainers/redis";

interface Server {
  readonly url: string;
  readonly stop: () => Promise<unknown>;
}

// `./dev` removes by this label what an interrupted run leaves.
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "none" };

async function startRedis(): Promise<Server> {
  const image = process.env["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine";
  const container = await new RedisContainer(image).withLabels(labels).start();
  return { url: container.getConnectionUrl(), stop: () => container.stop() };
}

async function startPostgres(): Promise<Server> {
  const image = process.env["LOCK_TEST_POSTGRES_IMAGE"] ?? "postgres:17-alpine";
  // As many connections as all test files and their child processes together may open.
  const command = ["postgres", "-c", "max_connections=300", "-c", "fsync=off"];
  const container = await new PostgreSqlContainer(image).withLabels(labels).withCommand(command).start();
  return { url: container.getConnectionUri(), stop: () => container.stop() };
}

/** Puts the server's URL into the environment, which the tests and the processes they start read. */
async function provide(variable: string, start: () => Promise<Server>): Promise<Server["stop"]> {
  if (process.env[variable]) return async () => {};
  try {
    const server = await start();
    process.env[variable] = server.url;
    return server.stop;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The tests need servers: install Docker and start it, or set ${variable} to the URL of one to use (${reason}).`,
      { cause },
    );
  }
}

/** One Redis and one PostgreSQL for the whole run; each test takes a namespace of its own on them. */
export default async function setup(): Promise<() => Promise<void>> {
  const servers = await Promise.allSettled([
    provide("LOCK_TEST_REDIS_URL", startRedis),
    provide("LOCK_TEST_POSTGRES_URL", startPostgres),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map(async (server) => server.status === "fulfilled" && server.value()));
    // A child of a test that was killed can outlive it and hold Vitest's pipes open, which would wait for it for ever.
    setTimeout(() => process.exit(), 15_000).unref();
  };
  const refused = servers.find((server) => server.status === "rejected");
  if (refused) {
    await stop();
    throw refused.reason;
  }
  return stop;
}
