import { LockLostError } from "@lock/core";
import { eq, gte, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fencedUpdate, fencedUpsert, fencingToken, notOlder } from "../src/fencing-drizzle.ts";
import { emptyDatabase, type TestDatabase } from "./database.ts";
import { containing } from "./matchers.ts";

const stock = pgTable("stock", {
  id: text("id").primaryKey(),
  pieces: integer("pieces").notNull(),
  soldAt: timestamp("sold_at"),
  fencingToken: fencingToken(),
});

let database: TestDatabase;
let pool: pg.Pool;
let db: ReturnType<typeof drizzle>;
beforeAll(async () => {
  database = await emptyDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  db = drizzle(pool);
  await pool.query(
    "CREATE TABLE stock (id text PRIMARY KEY, pieces integer NOT NULL, sold_at timestamp, fencing_token bigint NOT NULL DEFAULT 0)",
  );
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await db.delete(stock);
  await db.insert(stock).values([
    { id: "x", pieces: 10 },
    { id: "y", pieces: 10 },
  ]);
});

const soldAt = new Date("2030-01-02T03:04:05.678Z");
const sell = { table: stock, set: { pieces: sql`${stock.pieces} - 1`, soldAt }, where: eq(stock.id, "x") };
const all = { table: stock, set: { pieces: 0 }, where: gte(stock.pieces, 0) };

test("an update is made under a token as great as the row's or greater, and returns the rows as drizzle reads them", async () => {
  expect(await fencedUpdate(db, 7n, sell)).toEqual([{ id: "x", pieces: 9, soldAt, fencingToken: 7n }]);
  expect(await fencedUpdate(db, { fencingToken: 7n, keys: ["x"] }, sell)).toHaveLength(1);
  expect(await db.select().from(stock).where(eq(stock.id, "y"))).toEqual([
    { id: "y", pieces: 10, soldAt: null, fencingToken: 0n },
  ]);
});

test("under an older token it is LOCK_LOST and changes nothing", async () => {
  await fencedUpdate(db, 9n, sell);
  const stale = fencedUpdate(db, { fencingToken: 8n, keys: ["stock_x"] }, sell);
  await expect(stale).rejects.toThrow(LockLostError);
  await expect(stale).rejects.toMatchObject({ keys: ["stock_x"], message: containing("the later token 9") });
  await expect(fencedUpdate(db, 8n, all)).rejects.toThrow(LockLostError);
  expect(await db.select({ pieces: stock.pieces }).from(stock).orderBy(stock.id)).toEqual([
    { pieces: 9 },
    { pieces: 10 },
  ]);
});

test("of a row that is not there it returns none", async () => {
  expect(await fencedUpdate(db, 1n, { ...sell, where: eq(stock.id, "z") })).toEqual([]);
});

test("in a transaction, a stale write takes back the whole of it", async () => {
  await fencedUpdate(db, 9n, sell);
  const transaction = db.transaction(async (tx) => {
    await tx.insert(stock).values({ id: "z", pieces: 1 });
    await fencedUpdate(tx, 8n, sell);
  });
  await expect(transaction).rejects.toMatchObject({ code: "LOCK_LOST" });
  expect(await db.$count(stock)).toBe(2);
});

test("an upsert inserts, updates, and is LOCK_LOST under an older token", async () => {
  const upsert = { table: stock, values: { id: "z", pieces: 1 }, target: stock.id };
  expect(await fencedUpsert(db, 3n, upsert)).toMatchObject({ id: "z", pieces: 1, fencingToken: 3n });
  const set = { pieces: sql`${stock.pieces} + 5` };
  expect(await fencedUpsert(db, 4n, { ...upsert, set })).toMatchObject({ pieces: 6, fencingToken: 4n });
  await expect(fencedUpsert(db, 3n, upsert)).rejects.toThrow(LockLostError);
  expect(await db.select().from(stock).where(eq(stock.id, "z"))).toMatchObject([
    { pieces: 6, fencingToken: 4n },
  ]);
});

test("the condition by itself guards statements of one's own", async () => {
  await fencedUpdate(db, 5n, sell);
  const removed = (token: bigint) =>
    db.delete(stock).where(notOlder(stock.fencingToken, token)).returning({ id: stock.id });
  expect(await removed(4n)).toEqual([{ id: "y" }]);
  expect(await removed(5n)).toEqual([{ id: "x" }]);
});

test("a column of another name is named", async () => {
  const marks = pgTable("marks", { id: text("id").primaryKey(), mark: fencingToken("mark") });
  await pool.query("CREATE TABLE marks (id text PRIMARY KEY, mark bigint NOT NULL DEFAULT 0)");
  const write = { table: marks, set: { id: "a" }, where: eq(marks.id, "a") };
  await expect(fencedUpdate(db, 1n, write)).rejects.toMatchObject({
    code: "LOCK_INVALID_ARGUMENT",
    message: containing("no column fencing_token"),
  });
  await fencedUpsert(db, 2n, { table: marks, values: { id: "a" }, target: marks.id, column: marks.mark });
  await expect(fencedUpdate(db, 1n, { ...write, column: marks.mark })).rejects.toThrow(LockLostError);
});
