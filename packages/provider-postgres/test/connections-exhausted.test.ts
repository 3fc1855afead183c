import { createLocking, type Locking } from "@lock/core";
import { startPostgres, type PostgresServer } from "@lock/testkit/containers";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { newId } from "./instance.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const noneLeft = { code: "LOCK_UNAVAILABLE", message: containing("raise max_connections") };

const mostConnections = 20;
let server: PostgresServer;
let control: pg.Client;
beforeAll(async () => {
  server = await startPostgres({ args: ["-c", `max_connections=${mostConnections}`] });
  await migrate(server.url);
  control = new pg.Client(server.url);
  await control.connect();
}, 60_000);
afterAll(async () => {
  await control?.end();
  await server?.close();
});

/** Takes every connection but our own and the five or less of `other`, also those that `one` had and opens again. */
async function exhaust(): Promise<() => Promise<void>> {
  const ofOther = await control.query("SELECT FROM pg_stat_activity WHERE application_name = 'other'");
  const taken: pg.Client[] = [];
  while (taken.length < mostConnections - 1 - (ofOther.rowCount ?? 0)) {
    const client = new pg.Client(server.url);
    client.on("error", () => {});
    try {
      await client.connect();
      taken.push(client);
    } catch (error) {
      if ((error as { code?: string }).code !== "53300") throw error;
      await control.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'one'",
      );
    }
  }
  return async () => {
    await Promise.all(taken.map((client) => client.end()));
  };
}

describe.each(["session", "rows"] as const)("a server that has no connection left, mode: %s", (mode) => {
  let namespace: string;
  const services: Locking[] = [];
  beforeEach(() => {
    namespace = newId();
    return async () => {
      await Promise.all(services.splice(0).map((service) => service.close({ drain: "0ms" })));
    };
  });
  const connected = async (name: string, lazy = false): Promise<Locking> => {
    const url = new URL(server.url);
    url.searchParams.set("application_name", name);
    const provider = postgresProvider({ connectionString: url.href, namespace, mode });
    const locking = await createLocking({ providers: [provider], logger: silent, lazy });
    services.push(locking);
    return locking;
  };

  test("is LOCK_UNAVAILABLE with the reason to every claim, never held by someone else; then all go on", async () => {
    const [one, other] = [await connected("one"), await connected("other")];
    const free = await exhaust();
    try {
      // Who has its connections goes on with them.
      expect(await other.execute("k", () => "ran")).toBe("ran");
      const late = await connected("late", true);
      const refusals = [one, late].flatMap((locking) => [
        locking.execute("k", () => {}, { timeout: "3s" }),
        locking.acquire("k", { ownerId: "o" }),
        locking.acquire("k", { awaitQueue: true, timeout: "1500ms" }),
        locking.release("k", { ownerId: "o" }),
        locking.inspect("k"),
      ]);

      const outcomes = await Promise.allSettled(refusals);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: noneLeft });
      await expect(connected("at-start")).rejects.toMatchObject(noneLeft);
    } finally {
      await free();
    }
    expect(await one.execute("k", () => "ran", { timeout: 10 })).toBe("ran");
    expect((await other.inspect("k"))[0]).toEqual({ key: "k", holders: [], waiting: 0 });
    const left =
      "SELECT key FROM locking WHERE namespace = $1 UNION ALL SELECT key FROM locking_queue WHERE namespace = $1";
    expect((await control.query(left, [namespace])).rows).toEqual([]);
    await Promise.all(services.splice(0).map((service) => service.close()));
    const open = `SELECT application_name FROM pg_stat_activity WHERE application_name IN ('one', 'other', 'late', 'at-start')`;
    await expect.poll(async () => (await control.query(open)).rowCount).toBe(0);
    const advisory = "SELECT FROM pg_locks WHERE locktype = 'advisory'";
    expect((await control.query(advisory)).rowCount).toBe(0);
  }, 60_000);

  test("a pool of one connection whose transaction holds it does not stop its own claims, nor those of others", async () => {
    const pool = new pg.Pool({ connectionString: server.url, max: 1 });
    const provider = postgresProvider({ pool, namespace, mode });
    const locking = await createLocking({ providers: [provider], logger: silent });
    services.push(locking);
    let inside = 0;
    const job = async (): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
    };
    const inTransaction = async (): Promise<void> => {
      const transactionManager = await pool.connect();
      try {
        await transactionManager.query("BEGIN");
        // While it waits it keeps the only connection of the pool; those before it in the queue must not need it.
        await locking.acquire(["k", "l"], { awaitQueue: true, timeout: 20 }, { transactionManager });
        await job();
        await transactionManager.query("COMMIT");
      } finally {
        transactionManager.release();
      }
    };
    const claims = Array.from({ length: 24 }, (_, n) =>
      n % 3 === 0 ? inTransaction() : locking.execute(n % 3 === 1 ? "k" : ["l", "k"], job, { timeout: 25 }),
    );
    await Promise.all(claims);
    expect(pool.totalCount).toBe(1);
    await expect
      .poll(async () => (await locking.inspect(["k", "l"])).flatMap(({ holders }) => holders))
      .toEqual([]);
    await pool.end();
  }, 40_000);
});
