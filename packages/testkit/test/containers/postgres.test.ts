import { setTimeout as pause } from "node:timers/promises";
import { startPgBouncer, startPostgres, type PostgresServer } from "@lock/testkit/containers";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

// Named by the set-up of the tests wherever there are containers; who brings servers of their own may have no Docker.
const image = process.env["LOCK_TEST_POSTGRES_IMAGE"];

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  onTestFinished(async () => client.end());
  return client;
}

describe.skipIf(!image)("a PostgreSQL", { timeout: 60_000 }, () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres({ args: ["-c", "max_connections=20"] });
  });
  afterAll(async () => postgres?.close());

  const pid = async (client: pg.Client): Promise<number | undefined> =>
    (await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;

  test("keeps its address and what was committed when it is killed and started", async () => {
    const client = await connected(postgres.url);
    await client.query("CREATE TABLE kept AS SELECT current_setting('max_connections') AS value");
    const ended = new Promise((resolve) => client.once("end", resolve));
    await postgres.stop();
    await ended;
    await postgres.start();
    const again = await connected(postgres.url);
    expect((await again.query("SELECT value FROM kept")).rows).toEqual([{ value: "20" }]);
  });

  test("behind a PgBouncer shares sessions between transactions, and can be cut off from it", async () => {
    await using pooler = await startPgBouncer(postgres, { settings: { default_pool_size: 1 } });
    const [one, two] = [await connected(pooler.url), await connected(pooler.url)];
    expect(await pid(one)).toBe(await pid(two));
    // By this a provider tells that it isn't alone on its connection.
    expect((one as unknown as { processID: number }).processID).not.toBe(await pid(one));
    const direct = await connected(postgres.url);
    expect((direct as unknown as { processID: number }).processID).toBe(await pid(direct));

    await pooler.disconnect();
    const answer = pid(one);
    expect(await Promise.race([answer, pause(200, "nothing")])).toBe("nothing");
    expect(await pid(direct)).toBeDefined();
    await pooler.connect();
    expect(await answer).toBe(await pid(one));
  });

  test("behind a PgBouncer in session mode gives each client a session of its own", async () => {
    await using pooler = await startPgBouncer(postgres, { poolMode: "session" });
    const [one, two] = [await connected(pooler.url), await connected(pooler.url)];
    expect(await pid(one)).not.toBe(await pid(two));
  });
});
