import { createLocking, type Locking } from "@lock/core";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
let database: TestDatabase;
let services: Locking[];
beforeAll(async () => {
  database = await migratedDatabase();
  await database.query("CREATE TABLE stock (id text PRIMARY KEY, pieces integer NOT NULL)");
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.query("TRUNCATE stock");
  await database.query("INSERT INTO stock VALUES ('a', 0)");
  // The levels that the application sets for all of its connections reach ours as defaults, too.
  const url = new URL(database.url);
  url.searchParams.set(
    "options",
    `${url.searchParams.get("options")} -c default_transaction_isolation=serializable`,
  );
  const namespace = newId();
  const connected = (): Promise<Locking> =>
    createLocking({
      providers: [postgresProvider({ connectionString: url.href, namespace })],
      logger: silent,
    });
  services = await Promise.all([connected(), connected()]);
  return async () => {
    await Promise.all(services.map((service) => service.close()));
  };
});

const callers = 16;

/** How many of them failed, each adding a piece in a transaction of its own. */
async function addAtOnce(
  level: string,
  lock: (n: number, client: pg.Client) => Promise<unknown>,
): Promise<string[]> {
  const failures: string[] = [];
  await Promise.all(
    Array.from({ length: callers }, async (_, n) => {
      const client = new pg.Client(database.url);
      await client.connect();
      try {
        await client.query(`BEGIN ISOLATION LEVEL ${level}`);
        await lock(n, client);
        const { rows } = await client.query<{ pieces: number }>("SELECT pieces FROM stock WHERE id = 'a'");
        await new Promise((resolve) => setTimeout(resolve, 5));
        await client.query("UPDATE stock SET pieces = $1 WHERE id = 'a'", [(rows[0]?.pieces as number) + 1]);
        await client.query("COMMIT");
      } catch (error) {
        failures.push((error as { code: string }).code);
        await client.query("ROLLBACK");
      } finally {
        await client.end();
      }
    }),
  );
  return failures;
}

test.each(["REPEATABLE READ", "SERIALIZABLE"])(
  "%s transactions that take their lock first never fail with 40001, and lose no update",
  async (level) => {
    // So they do without it.
    expect(await addAtOnce(level, async () => {})).toContain("40001");
    await database.query("UPDATE stock SET pieces = 0");
    const failures = await addAtOnce(level, (n, transactionManager) =>
      (services[n % 2] as Locking).acquire("a", { awaitQueue: true, timeout: 20 }, { transactionManager }),
    );
    expect(failures).toEqual([]);
    expect(await database.query("SELECT pieces FROM stock")).toEqual([{ pieces: callers }]);
  },
  40_000,
);
