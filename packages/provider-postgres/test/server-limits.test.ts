import { createLocking, type Locking } from "@lock/core";
import { startPostgres } from "@lock/testkit/containers";
import { PostgreSqlContainer } from "@testcontainers/postgresql";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const labels = { "lock.test.run": process.env["LOCK_TEST_RUN"] ?? "unnamed" };

async function connect(connectionString: string, lazy = false): Promise<Locking> {
  const service = await createLocking({
    providers: [postgresProvider({ connectionString })],
    logger: silent,
    lazy,
  });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

/** Takes every connection that the server has left, until it is told to stop. */
async function occupyAll(connectionString: string): Promise<{ free(): Promise<void> }> {
  const taken: pg.Client[] = [];
  for (;;) {
    const client = new pg.Client({ connectionString });
    client.on("error", () => {});
    try {
      await client.connect();
      taken.push(client);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "53300") throw error;
      return { free: async () => void (await Promise.all(taken.map((each) => each.end()))) };
    }
  }
}

test("max_connections: who is connected goes on, and who is not is told that no connection is left, not that a lock is held", async () => {
  const server = await startPostgres({ args: ["-c", "max_connections=20"] });
  onTestFinished(() => server.close());
  await migrate(server.url);
  const service = await connect(server.url);
  const late = await connect(server.url, true);
  const full = await occupyAll(server.url);
  expect(await service.execute("a", () => "in")).toBe("in");
  const refusal = { code: "LOCK_UNAVAILABLE", message: containing("raise max_connections") };
  await expect(connect(server.url)).rejects.toMatchObject(refusal);
  await expect(late.execute("b", () => "in")).rejects.toMatchObject(refusal);
  await full.free();
  expect(await late.execute("b", () => "in")).toBe("in");
}, 60_000);

test("a server that has become a read-only replica is told from one that is busy; once it is promoted, locks go on", async () => {
  const image = process.env["LOCK_TEST_POSTGRES_IMAGE"] ?? "postgres:17-alpine";
  const container = await new PostgreSqlContainer(image).withLabels(labels).start();
  onTestFinished(async () => {
    await container.stop();
  });
  await migrate(container.getConnectionUri());
  const { exitCode } = await container.exec(["sh", "-c", 'touch "$PGDATA/standby.signal"']);
  expect(exitCode).toBe(0);
  await container.restart();
  const url = container.getConnectionUri();
  await expect(connect(url)).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("connect to the primary"),
  });
  const lazy = await connect(url, true);
  await expect(lazy.execute("a", () => {})).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: containing("connect to the primary"),
  });
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query("SELECT pg_promote()");
  await admin.end();
  expect(await lazy.execute("a", () => "in")).toBe("in");
}, 60_000);
