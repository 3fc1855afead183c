import { afterAll, beforeAll, expect, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance } from "./instance.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await migratedDatabase();
  // Holds back who forgets an earlier grant, with the row changed already.
  await database.query(`CREATE FUNCTION wait_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$`);
  await database.query(`CREATE TRIGGER slowly AFTER UPDATE ON locking FOR EACH ROW
    WHEN (old.prior IS NOT NULL AND new.prior IS NULL) EXECUTE FUNCTION wait_a_while()`);
});
afterAll(() => database[Symbol.asyncDispose]());

async function releaseUnderWay(): Promise<void> {
  await expect
    .poll(() =>
      database.query(
        "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%release_absorbed%'",
      ),
    )
    .not.toEqual([]);
}

test("a grant is found while an earlier one, which it took over, is released", async () => {
  await using one = await instance({ connectionString: database.url });
  const first = claimOf({ ownerId: "o" });
  const second = claimOf({ ownerId: "o", keys: ["a", "b"] });
  await one.take(first);
  await one.take(second);
  const releasing = one.release({ by: "grant", grantId: first.id, keys: ["a"], tombstone: false });
  await releaseUnderWay();
  const renewal = { grantId: second.id, keys: ["a", "b"], lease: 60_000 };
  expect(await one.store.renew([renewal])).toMatchObject([{ status: "renewed" }]);
  expect(await releasing).toMatchObject({ freed: false });
  const [state] = await one.store.inspect(["a"]);
  expect(state?.holders[0]?.remaining).toBeGreaterThan(50_000);
});

test("an owner frees its lock while an earlier grant, which it took over, is released", async () => {
  await using one = await instance({ connectionString: database.url }, { namespace: "owner" });
  const first = claimOf({ ownerId: "o" });
  await one.take(first);
  await one.take({ ownerId: "o", keys: ["a", "b"] });
  const releasing = one.release({ by: "grant", grantId: first.id, keys: ["a"], tombstone: false });
  await releaseUnderWay();
  expect(await one.release({ by: "owner", ownerId: "o", keys: ["a", "b"] })).toMatchObject({ freed: true });
  await releasing;
  expect(await one.store.inspect(["a", "b"])).toMatchObject([{ holders: [] }, { holders: [] }]);
});
