import { createLocking } from "@lock/core";
import { startPostgres, type PostgresServer } from "@lock/testkit/containers";
import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { containing } from "./matchers.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const readOnly = { code: "LOCK_UNAVAILABLE", message: containing("connect to the primary") };
const standbySignal = "/var/lib/postgresql/data/standby.signal";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await migrate(server.url);
}, 60_000);
afterAll(() => server?.close());

test.each(["session", "rows"] as const)(
  "a server that comes back as a standby is LOCK_UNAVAILABLE and says where to connect to; promoted, it serves again, mode: %s",
  async (mode) => {
    const options = { connectionString: server.url, namespace: mode, mode };
    const locking = await createLocking({ providers: [postgresProvider(options)], logger: silent });
    onTestFinished(() => locking.close());
    await locking.acquire("held", { ownerId: "o" });
    await server.exec("touch", standbySignal);
    await server.stop();
    await server.start();
    const calls = [
      () => locking.acquire("held", { ownerId: "other" }),
      () => locking.acquire("free"),
      () => locking.execute("free", () => {}, { timeout: "3s" }),
      () => locking.release("held", { ownerId: "o" }),
      () => locking.releaseAll({ ownerId: "o" }),
    ];
    for (const call of calls) {
      await expect
        .poll(() => call().catch((error: unknown) => error), { timeout: 15_000 })
        .toMatchObject(readOnly);
    }
    const another = createLocking({ providers: [postgresProvider(options)], logger: silent });
    await expect(another).rejects.toMatchObject(readOnly);

    const admin = new pg.Client(server.url);
    await admin.connect();
    onTestFinished(() => admin.end());
    await admin.query("SELECT pg_promote()");
    await expect
      .poll(() => locking.acquire("held", { ownerId: "other" }).catch((error: unknown) => error))
      .toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    expect(await locking.execute("free", () => "ran", { timeout: 10 })).toBe("ran");
    expect(await locking.release("held", { ownerId: "o" })).toBe(true);
    const { rows } = await admin.query("SELECT key FROM locking UNION ALL SELECT key FROM locking_queue");
    expect(rows).toEqual([]);
  },
  60_000,
);
