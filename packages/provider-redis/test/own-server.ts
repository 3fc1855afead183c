import { RedisContainer, type StartedRedisContainer } from "@testcontainers/redis";
import { onTestFinished } from "vitest";

/** What `./dev test` removes its containers by, should a run be interrupted. */
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

export interface OwnServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** A server for a test that flushes or reconfigures it; it goes with the test. */
export async function ownServer(): Promise<OwnServer> {
  const container = await ownRedis();
  onTestFinished(async () => {
    await container.stop();
  });
  return { url: container.getConnectionUrl(), host: container.getHost(), port: container.getPort() };
}

/** A server that is set up otherwise than the run's. Who starts it stops it. */
export async function ownRedis(
  setUp: (container: RedisContainer) => RedisContainer = (container) => container,
): Promise<StartedRedisContainer> {
  const image = process.env["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine";
  try {
    return await setUp(new RedisContainer(image).withLabels(labels)).start();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`This test needs a Redis of its own: install Docker and start it (${why})`, { cause });
  }
}
