import { RedisContainer } from "@testcontainers/redis";
import { onTestFinished } from "vitest";

/** What `./dev test` removes its containers by, should a run be interrupted. */
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

/** A server for tests that stop, flush or reconfigure it; it goes with the test. Returns its address. */
export async function ownServer(): Promise<{
  readonly url: string;
  readonly host: string;
  readonly port: number;
}> {
  const container = await new RedisContainer(process.env["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine")
    .withLabels(labels)
    .start();
  onTestFinished(async () => {
    await container.stop();
  });
  return { url: container.getConnectionUrl(), host: container.getHost(), port: container.getPort() };
}
