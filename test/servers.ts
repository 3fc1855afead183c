import { PostgreSqlContainer } from "@testcontainers/postgresql";
import { RedisContainer } from "@testcontainers/redis";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    redisUrl: string;
    postgresUrl: string;
  }
}

/** Removes what it is, when the run is over. */
type Stop = () => Promise<unknown>;

interface Server {
  readonly url: string;
  readonly stop: Stop;
}

// `./dev test` removes by this label what an interrupted run leaves.
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

async function redis(): Promise<Server> {
  const container = await new RedisContainer(process.env["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine")
    .withLabels(labels)
    .start();
  return { url: container.getConnectionUrl(), stop: () => container.stop() };
}

async function postgres(): Promise<Server> {
  const container = await new PostgreSqlContainer(
    process.env["LOCK_TEST_POSTGRES_IMAGE"] ?? "postgres:17-alpine",
  )
    .withLabels(labels)
    .withCommand(["postgres", "-c", "max_connections=300", "-c", "fsync=off"])
    .start();
  return { url: container.getConnectionUri(), stop: () => container.stop() };
}

async function server(variable: string, start: () => Promise<Server>): Promise<Server> {
  const url = process.env[variable];
  if (url) return { url, stop: async () => {} };
  try {
    return await start();
  } catch (cause) {
    throw new Error(
      `The tests need a server: install Docker and start it, or set ${variable} to the URL of a server to use instead ` +
        `(${cause instanceof Error ? cause.message : String(cause)}).`,
      { cause },
    );
  }
}

/** One Redis and one PostgreSQL for the whole run; every test takes a namespace of its own on them. */
export default async function setup(project: TestProject): Promise<Stop> {
  const started = await Promise.allSettled([
    server("LOCK_TEST_REDIS_URL", redis),
    server("LOCK_TEST_POSTGRES_URL", postgres),
  ]);
  const stop: Stop = () =>
    Promise.all(started.map((one) => (one.status === "fulfilled" ? one.value.stop() : undefined)));
  const [first, second] = started;
  if (first.status === "rejected" || second.status === "rejected") {
    await stop();
    throw first.status === "rejected" ? first.reason : (second as PromiseRejectedResult).reason;
  }
  project.provide("redisUrl", first.value.url);
  project.provide("postgresUrl", second.value.url);
  // The processes that tests start read them from the environment.
  process.env["LOCK_TEST_REDIS_URL"] = first.value.url;
  process.env["LOCK_TEST_POSTGRES_URL"] = second.value.url;
  return stop;
}
