import { PostgreSqlContainer } from "@testcontainers/postgresql";
import { onTestFinished } from "vitest";
import { migrate } from "../src/migrate.ts";

/** What `./dev test` removes its containers by, should a run be interrupted. */
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

export interface OwnServer {
  readonly url: string;
  /** Kills the process that serves a connection: the server then loses all that is not on disk yet, and recovers. */
  crash(backend: number): Promise<void>;
}

/** A migrated server for tests that crash it; it goes with the test. */
export async function ownServer(): Promise<OwnServer> {
  const image = process.env["LOCK_TEST_POSTGRES_IMAGE"] ?? "postgres:17-alpine";
  const container = await new PostgreSqlContainer(image).withLabels(labels).start();
  onTestFinished(async () => {
    await container.stop();
  });
  const url = container.getConnectionUri();
  await migrate(url);
  return {
    url,
    crash: async (backend) => {
      await container.exec(["sh", "-c", `kill -9 ${backend}`], { user: "root" });
    },
  };
}
