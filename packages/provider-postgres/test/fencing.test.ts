import { LockError, LockLostError } from "@lock/core";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fencedUpdate, fencedUpsert, fencingColumn, notOlder, type FencedUpdate } from "../src/fencing.ts";
import { emptyDatabase, type TestDatabase } from "./database.ts";
import { containing } from "./matchers.ts";

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await emptyDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await pool.query(
    `CREATE TABLE stock (id text PRIMARY KEY, pieces integer NOT NULL, shop text NOT NULL DEFAULT 'a', ${fencingColumn()})`,
  );
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await pool.query("TRUNCATE stock");
  await pool.query("INSERT INTO stock (id, pieces) VALUES ('x', 10), ('y', 10)");
});

const sell: FencedUpdate = {
  table: "stock",
  set: "pieces = pieces - $1",
  where: "id = $2",
  values: [1, "x"],
  returning: "pieces",
};

async function stock(): Promise<unknown[]> {
  return await database.query("SELECT id, pieces, fencing_token AS token FROM stock ORDER BY id");
}

/** Resolves once a statement waits for a lock that another has on a row. */
async function untilWaiting(): Promise<void> {
  await expect
    .poll(() =>
      database.query(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%lock_found%' AND query LIKE $1",
        ["%stock%"],
      ),
    )
    .not.toEqual([{ count: 0 }]);
}

describe("an update", () => {
  test("is made under a token as great as the row's or greater, and leaves it there", async () => {
    expect(await fencedUpdate(pool, 7n, sell)).toEqual({ rowCount: 1, rows: [{ pieces: 9 }] });
    expect(await fencedUpdate(pool, { fencingToken: 7n, keys: ["x"] }, sell)).toMatchObject({ rowCount: 1 });
    expect(await fencedUpdate(pool, 9n, { ...sell, returning: undefined })).toEqual({
      rowCount: 1,
      rows: [{}],
    });
    expect(await stock()).toEqual([
      { id: "x", pieces: 7, token: "9" },
      { id: "y", pieces: 10, token: "0" },
    ]);
  });

  test("is LOCK_LOST under an older token, and changes nothing", async () => {
    await fencedUpdate(pool, 9n, sell);
    const stale = fencedUpdate(pool, { fencingToken: 8n, keys: ["stock_x"] }, sell);
    await expect(stale).rejects.toThrow(LockLostError);
    await expect(stale).rejects.toMatchObject({
      code: "LOCK_LOST",
      keys: ["stock_x"],
      message: containing("Lost the lock before this write: stock was written under the later token 9"),
    });
    expect(await stock()).toContainEqual({ id: "x", pieces: 9, token: "9" });
  });

  test("of a row that is not there writes none, which is no loss", async () => {
    expect(await fencedUpdate(pool, 1n, { ...sell, values: [1, "z"] })).toEqual({ rowCount: 0, rows: [] });
  });

  test("of several rows writes all of them, or none where one is stale", async () => {
    const both: FencedUpdate = { ...sell, where: "shop = $2", values: [1, "a"], returning: "id" };
    expect((await fencedUpdate(pool, 3n, both)).rows).toHaveLength(2);
    await fencedUpdate(pool, 5n, sell);
    await expect(fencedUpdate(pool, 4n, both)).rejects.toMatchObject({ code: "LOCK_LOST" });
    expect(await stock()).toEqual([
      { id: "x", pieces: 8, token: "5" },
      { id: "y", pieces: 9, token: "3" },
    ]);
  });

  test("leaves a transaction usable after it was refused", async () => {
    await fencedUpdate(pool, 9n, sell);
    const client = await pool.connect();
    await client.query("BEGIN");
    await expect(fencedUpdate(client, 8n, sell)).rejects.toMatchObject({ code: "LOCK_LOST" });
    expect((await client.query("SELECT pieces FROM stock WHERE id = 'x'")).rows).toEqual([{ pieces: 9 }]);
    await client.query("ROLLBACK");
    client.release();
  });

  test.each([
    [
      "was written under a later token",
      "UPDATE stock SET pieces = 5, fencing_token = 8 WHERE id = 'x'",
      "stale",
    ],
    [
      "was written under an earlier token",
      "UPDATE stock SET pieces = 5, fencing_token = 6 WHERE id = 'x'",
      "made",
    ],
    ["was deleted", "DELETE FROM stock WHERE id = 'x'", "missing"],
    ["does not match any more", "UPDATE stock SET id = 'q', fencing_token = 8 WHERE id = 'x'", "missing"],
    ["was written for nothing", "UPDATE stock SET fencing_token = 8 WHERE id = 'x'", "rolled back"],
  ])("that waited for a row which %s is judged by what was committed", async (_, meanwhile, outcome) => {
    const other = await pool.connect();
    await other.query("BEGIN");
    await other.query(meanwhile);
    const update = fencedUpdate(pool, 7n, sell).then(
      ({ rowCount }) => (rowCount === 0 ? "missing" : "made"),
      (error: LockError) => (error.code === "LOCK_LOST" ? "stale" : error),
    );
    await untilWaiting();
    await other.query(outcome === "rolled back" ? "ROLLBACK" : "COMMIT");
    other.release();
    expect(await update).toBe(outcome === "rolled back" ? "made" : outcome);
  });

  test("of many at once never leaves what an older token wrote over what a newer one wrote", async () => {
    const tokens = Array.from({ length: 40 }, (_, n) => BigInt(40 - n));
    const set = { ...sell, set: "pieces = $1" };
    const outcomes = await Promise.allSettled(
      tokens.map((token) => fencedUpdate(pool, token, { ...set, values: [Number(token), "x"] })),
    );
    expect(await stock()).toContainEqual({ id: "x", pieces: 40, token: "40" });
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(new Set(refused.map(({ reason }) => (reason as LockError).code))).toEqual(new Set(["LOCK_LOST"]));
  });
});

describe("an upsert", () => {
  const upsert = { table: "stock", row: { id: "z", pieces: 1 }, conflict: ["id"], returning: "pieces" };

  test("inserts, and updates under a token as great or greater", async () => {
    expect(await fencedUpsert(pool, 3n, upsert)).toEqual({ rowCount: 1, rows: [{ pieces: 1 }] });
    const update = "pieces = stock.pieces + excluded.pieces";
    expect(await fencedUpsert(pool, 4n, { ...upsert, update })).toEqual({
      rowCount: 1,
      rows: [{ pieces: 2 }],
    });
    expect(await stock()).toContainEqual({ id: "z", pieces: 2, token: "4" });
  });

  test("is LOCK_LOST under an older token, and changes nothing", async () => {
    await fencedUpsert(pool, 4n, upsert);
    await expect(fencedUpsert(pool, 3n, { ...upsert, row: { id: "z", pieces: 9 } })).rejects.toThrow(
      LockLostError,
    );
    expect(await stock()).toContainEqual({ id: "z", pieces: 1, token: "4" });
  });

  test("that waits for the insert of another is judged by its token", async () => {
    const other = await pool.connect();
    await other.query("BEGIN");
    await fencedUpsert(other, 5n, upsert);
    const later = fencedUpsert(pool, 4n, upsert);
    later.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    await other.query("COMMIT");
    other.release();
    await expect(later).rejects.toMatchObject({ code: "LOCK_LOST" });
  });

  test("of a row that is its own key only", async () => {
    const bare = { table: "shop.marks", row: { id: "a" }, conflict: ["id"], column: "Mark" };
    await pool.query("CREATE SCHEMA IF NOT EXISTS shop");
    await pool.query(`CREATE TABLE shop.marks (id text PRIMARY KEY, ${fencingColumn("Mark")})`);
    try {
      await fencedUpsert(pool, 1n, bare);
      await fencedUpsert(pool, 2n, bare);
      await expect(fencedUpsert(pool, 1n, bare)).rejects.toMatchObject({ code: "LOCK_LOST" });
      const renamed = { table: "shop.marks", set: "id = 'b'", where: "id = 'a'", column: "Mark" };
      await expect(fencedUpdate(pool, 1n, renamed)).rejects.toMatchObject({ code: "LOCK_LOST" });
      expect(await fencedUpdate(pool, 2n, renamed)).toMatchObject({ rowCount: 1 });
    } finally {
      await pool.query("DROP SCHEMA shop CASCADE");
    }
  });
});

test("the condition by itself guards statements of one's own", async () => {
  await fencedUpdate(pool, 5n, sell);
  const text = `DELETE FROM stock WHERE id = $1 AND ${notOlder("$2")}`;
  expect((await pool.query(text, ["x", "4"])).rowCount).toBe(0);
  expect((await pool.query(text, ["x", "5"])).rowCount).toBe(1);
});

test("what is no token is refused", async () => {
  await expect(fencedUpdate(pool, 5 as unknown as bigint, sell)).rejects.toMatchObject({
    code: "LOCK_INVALID_ARGUMENT",
  });
  const none = { table: "stock", row: { id: "z" }, conflict: [] };
  await expect(fencedUpsert(pool, 5n, none)).rejects.toThrow(LockError);
});
