import { createLocking } from "@lock/core";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";
import { containing, some } from "./matchers.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const connected = (options: PostgresProviderOptions, logger = silent) =>
  createLocking({ providers: [postgresProvider({ namespace: newId(), ...options })], logger });

describe("it is refused with what to write", () => {
  test.each([
    [{}, "exactly one of connectionString, pool and db"],
    [{ connectionString: "postgres://x", pool: new pg.Pool() }, "exactly one of"],
    [{ connectionString: "" }, "postgres://user:password@host"],
    [{ pool: {} as pg.Pool }, "new pg.Pool"],
    [{ db: {} as { $client: pg.Pool } }, "drizzle-orm/node-postgres"],
    [{ connectionString: "postgres://x", namespace: "" }, "namespace"],
    [{ connectionString: "postgres://x", namespace: "n".repeat(256) }, "namespace"],
    [{ connectionString: "postgres://x", namespace: "\ud800" }, "namespace"],
    [{ connectionString: "postgres://x", connections: 0 }, "connections"],
    [{ connectionString: "postgres://x", sessions: 0 }, "sessions"],
    [{ connectionString: "postgres://x", mode: "bare" as "rows" }, "mode"],
  ])("%o", (options, message) => {
    expect(() => postgresProvider(options)).toThrow(
      expect.objectContaining({ code: "LOCK_CONFIG", message: containing(message) }),
    );
  });
});

test("it says that it is connected, and under which id", async () => {
  const info = vi.fn<(message: string) => void>();
  const locking = await createLocking({
    providers: [{ resolve: postgresProvider, id: "orders", options: { connectionString: database.url } }],
    logger: { ...silent, info },
  });
  await locking.close();
  expect(info).toHaveBeenCalledWith('Connection to PostgreSQL in "orders" provider established');
});

test("a pool of one connection is never kept busy: jobs that use it get on, however many wait", async () => {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const locking = await connected({ pool });
  let inside = 0;
  await Promise.all(
    Array.from({ length: 40 }, () =>
      locking.execute(
        "stock",
        async () => {
          inside += 1;
          expect(inside).toBe(1);
          await pool.query("SELECT 1");
          inside -= 1;
        },
        { timeout: 20 },
      ),
    ),
  );
  await locking.close();
  expect((await pool.query("SELECT 1 AS open")).rows).toEqual([{ open: 1 }]);
  await pool.end();
});

test("a pool that is exhausted does not stop it", async () => {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  const hogged = await pool.connect();
  const locking = await connected({ db: drizzle(pool) });
  await expect(locking.execute("k", async () => "done")).resolves.toBe("done");
  await locking.close();
  hogged.release();
  await pool.end();
});

test("it connects with the settings of what it is given, the password included", async () => {
  const url = new URL(database.url);
  const asked = vi.fn<() => Promise<string>>(() => Promise.resolve(decodeURIComponent(url.password)));
  const pool = new pg.Pool({
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: asked,
    database: url.pathname.slice(1),
    options: url.searchParams.get("options") as string,
    application_name: "shop",
    // Limits for the application's own statements.
    query_timeout: 1,
    statement_timeout: 1,
  });
  const locking = await connected({ pool });
  await locking.execute("k", async () => {});
  expect(asked).toHaveBeenCalled();
  const names = await database.query(
    "SELECT count(*)::int AS ours FROM pg_stat_activity WHERE application_name = 'shop'",
  );
  expect(names).toEqual([{ ours: 5 }]);
  await locking.close();
  expect(pool.totalCount).toBe(0);
  await pool.end();
});

test("a drizzle database over a single client will do", async () => {
  const client = new pg.Client(database.url);
  const locking = await connected({ db: drizzle(client) });
  await expect(locking.execute("k", async () => "done")).resolves.toBe("done");
  await locking.close();
});

test("parsers that the application has set for its own queries change nothing", async () => {
  const { INT8, TEXT, JSON, FLOAT8, TIMESTAMPTZ } = pg.types.builtins;
  const parsers = [INT8, TEXT, JSON, FLOAT8, TIMESTAMPTZ].map(
    (oid) => [oid, pg.types.getTypeParser(oid)] as const,
  );
  for (const [oid] of parsers) pg.types.setTypeParser(oid, () => "changed" as never);
  try {
    const locking = await connected({ connectionString: database.url });
    await locking.acquire("k", { ownerId: "o", expire: 60 });
    expect(await locking.inspect("k")).toMatchObject([
      { holders: [{ ownerId: "o", fencingToken: some(BigInt) }] },
    ]);
    await locking.close();
  } finally {
    for (const [oid, parse] of parsers) pg.types.setTypeParser(oid, parse as never);
  }
});

test("once closed, no connection is left", async () => {
  const url = new URL(database.url);
  const name = `test-${newId()}`;
  url.searchParams.set("application_name", name);
  const open = (): Promise<unknown> =>
    database.query("SELECT count(*)::int AS open FROM pg_stat_activity WHERE application_name = $1", [name]);
  const locking = await connected({ connectionString: url.href });
  await locking.execute("k", async () => {});
  expect(await open()).toEqual([{ open: 5 }]);
  await locking.close();
  await expect.poll(open).toEqual([{ open: 0 }]);
});
