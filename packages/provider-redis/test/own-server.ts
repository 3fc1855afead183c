import { RedisContainer } from "@testcontainers/redis";
import { onTestFinished, type TestContext } from "vitest";

/** What `./dev test` removes its containers by, should a run be interrupted. */
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

export interface OwnServer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/**
 * A server for a test that flushes or reconfigures it; it goes with the test. Without a container engine, where the
 * run uses a server that somebody else started, the test is skipped.
 */
export async function ownServer({ skip }: Pick<TestContext, "skip">): Promise<OwnServer> {
  const image = process.env["LOCK_TEST_REDIS_IMAGE"] ?? "redis:8-alpine";
  const container = await new RedisContainer(image)
    .withLabels(labels)
    .start()
    .catch((error: unknown) => {
      if (String(error).includes("container runtime")) return skip("needs a container engine");
      throw error;
    });
  onTestFinished(async () => {
    await container.stop();
  });
  return { url: container.getConnectionUrl(), host: container.getHost(), port: container.getPort() };
}
