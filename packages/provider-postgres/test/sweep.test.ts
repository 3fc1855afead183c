import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test("what expired a while ago and nobody touched is removed, in slices; what is held or just ended stays", async () => {
  await using one = await instance({ connectionString: database.url });
  const ids = Array.from({ length: 900 }, newId);
  for (let n = 0; n < ids.length; n += 100) {
    await one.store.take(
      ids.slice(n, n + 100).map((id) => claimOf({ id, keys: [`key-${id}-${"x".repeat(500)}`] })),
    );
  }
  await one.take({ id: "held", keys: ["held"] });
  await one.take({ id: "ended", keys: ["ended"] });
  await one.take({ id: "waiting", keys: ["held"] });
  await one.take({ id: "dead", keys: ["held"] });
  await one.release({ by: "claim", claimId: "late", keys: ["z"], tombstone: true });
  await one.release({ by: "claim", claimId: "later", keys: ["z"], tombstone: true });
  await database.query(
    "UPDATE locking SET expires_at = clock_timestamp() - interval '11 s' WHERE claim_id = ANY ($1)",
    [ids],
  );
  await database.query(
    "UPDATE locking SET expires_at = clock_timestamp() - interval '1 s' WHERE claim_id = 'ended'",
  );
  await database.query(
    "UPDATE locking_queue SET expires_at = clock_timestamp() - interval '11 s' WHERE claim_id = 'dead'",
  );
  await database.query(
    "UPDATE locking_withdrawn SET expires_at = clock_timestamp() - interval '11 s' WHERE claim_id = 'late'",
  );

  const left = async (): Promise<number> =>
    Number((await database.query("SELECT count(*) FROM locking"))[0]?.["count"]);
  const sweep = async (page: unknown): Promise<unknown> =>
    (await database.query("SELECT locking_sweep($1, 16) AS page", [page]))[0]?.["page"];
  let page = await sweep(0);
  expect(page).toBe("16");
  const afterOne = await left();
  expect(afterOne).toBeGreaterThan(2);
  expect(afterOne).toBeLessThan(902);
  for (let n = 0; n < 60 && (await left()) > 2; n += 1) page = await sweep(page);
  expect(await database.query("SELECT claim_id FROM locking ORDER BY claim_id")).toEqual([
    { claim_id: "ended" },
    { claim_id: "held" },
  ]);
  expect(await database.query("SELECT claim_id FROM locking_queue")).toEqual([{ claim_id: "waiting" }]);
  expect(await database.query("SELECT claim_id FROM locking_withdrawn")).toEqual([{ claim_id: "later" }]);
});

test("it waits for nobody: rows that others have locked are left for the next time", async () => {
  await using one = await instance({ connectionString: database.url }, { namespace: newId() });
  await one.take({ id: "locked", keys: ["locked"] });
  await database.query(
    "UPDATE locking SET expires_at = clock_timestamp() - interval '11 s' WHERE claim_id = 'locked'",
  );
  const impatient = new pg.Client({ connectionString: database.url, statement_timeout: 2_000 });
  await impatient.connect();
  await database.query("BEGIN");
  await database.query("SELECT FROM locking WHERE claim_id = 'locked' FOR UPDATE");
  await impatient.query("SELECT locking_sweep(0, 10000)");
  await database.query("COMMIT");
  const left = "SELECT claim_id FROM locking WHERE claim_id = 'locked'";
  expect(await database.query(left)).toHaveLength(1);
  await impatient.query("SELECT locking_sweep(0, 10000)");
  expect(await database.query(left)).toEqual([]);
  await impatient.end();
});

test("it begins anywhere, begins again at the end, and leaves no later call that need not wait for the disk", async () => {
  await using small = await migratedDatabase();
  await using one = await instance({ connectionString: small.url });
  for (const page of [null, 1_000]) {
    await one.take({});
    await small.query("UPDATE locking SET expires_at = clock_timestamp() - interval '11 s'");
    // The table is a page long.
    expect(await small.query("SELECT locking_sweep($1, 16) AS page", [page])).toEqual([{ page: "16" }]);
    expect(await small.query("SELECT FROM locking")).toEqual([]);
  }
  expect(await small.query("SHOW synchronous_commit")).toEqual([{ synchronous_commit: "on" }]);
});

test("each operation reads its own rows only, however large the table has become since its plan was made", async () => {
  const namespace = newId();
  const one = await instance({ connectionString: database.url }, { namespace, connections: 1 });
  const cycle = async (): Promise<void> => {
    const [alone, owned] = [claimOf({}), claimOf({ keys: ["b", "c"], ownerId: "o" })];
    await one.store.take([alone, owned]);
    await one.take({ wait: false });
    await one.store.renew([alone, owned].map(({ id, keys }) => ({ grantId: id, keys, lease: 5_000 })));
    await one.store.inspect(["a", "b"]);
    await one.release({ by: "grant", grantId: alone.id, keys: ["a"], tombstone: false });
    await one.store.releaseAll("o");
  };
  // Plans are made here, while there is hardly a row.
  for (let n = 0; n < 10; n += 1) await cycle();
  await database.query(
    `INSERT INTO locking (namespace, hash, key, claim_id, position, kind, permits, token, expires_at, provisional)
     SELECT $1, n, 'k' || n, 'c' || n, 1, 'execute', 1, 0, 'infinity', false FROM generate_series(1, 20000) AS n`,
    [namespace],
  );
  for (let n = 0; n < 10; n += 1) await cycle();
  // A session reports what it has read when it ends, at the latest.
  await one.store.close();
  const read = async (): Promise<{ scans: number; rows: number }> => {
    const [row] = await database.query(
      `SELECT sum(idx_scan)::int AS scans, sum(idx_tup_read)::int AS rows FROM pg_stat_user_indexes WHERE schemaname = $1`,
      [database.schema],
    );
    return row as { scans: number; rows: number };
  };
  await expect.poll(async () => (await read()).scans).toBeGreaterThan(400);
  expect((await read()).rows).toBeLessThan(10_000);
}, 30_000);
