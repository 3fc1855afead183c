import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import pg from "pg";
import { halves } from "../src/operations/advisory.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId, type Instance } from "./instance.ts";

const slowly = { timeout: 10_000 };

let database: TestDatabase;
let namespace: string;
let name: string;
let one: Instance;
let other: Instance;

beforeAll(async () => {
  database = await migratedDatabase();
  // The reply comes when this is committed, long after it was seen that the session is alive.
  await database.query(`CREATE FUNCTION wait_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$`);
  await database.query(`CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON locking DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.key = 'slow') EXECUTE FUNCTION wait_a_while()`);
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = newId();
  name = `one-${namespace}`;
  const url = new URL(database.url);
  url.searchParams.set("application_name", name);
  one = await instance({ connectionString: url.href }, { namespace, sessions: 2, connections: 1 });
  other = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  return async () => {
    await Promise.all([one.store.close(), other.store.close()]);
  };
});

/** Ends the lock sessions of the first instance. */
async function endSessions(): Promise<void> {
  await database.query(
    `SELECT pg_terminate_backend(a.pid, 2000) FROM pg_stat_activity a WHERE a.application_name = $1
       AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.mode = 'ShareLock')`,
    [name],
  );
}

/** Resolves when the first instance is about to commit what it takes. */
async function committing(): Promise<void> {
  await expect
    .poll(
      () =>
        database.query(
          "SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'PgSleep'",
          [name],
        ),
      slowly,
    )
    .toHaveLength(1);
}

test("a row whose session ended before its grant was answered is no grant", async () => {
  const claim = claimOf({ keys: ["slow"], limit: 2 });
  const taking = one.take(claim);
  await committing();
  await endSessions();
  expect(await taking).toMatchObject({ status: "failed" });
  expect(await other.take({ keys: ["slow"], wait: false })).toMatchObject({ status: "granted" });
});

test("a bare lock whose session ended while others of its batch were asked for is no grant", async () => {
  const bare = claimOf({ keys: ["bare"] });
  const taking = one.store.take([bare, claimOf({ keys: ["slow"], limit: 2 })]);
  await committing();
  await endSessions();
  expect(await taking).toMatchObject([{ status: "failed" }, { status: "failed" }]);
  expect(await other.take({ keys: ["bare"], wait: false })).toMatchObject({ status: "granted" });
});

test("a grant that names a session that is lost, but not ended in the server yet, is none", async () => {
  const holder = claimOf({ keys: ["a"] });
  await other.take(holder);
  const waiter = claimOf({ keys: ["a"] });
  expect(await one.take(waiter)).toMatchObject({ status: "queued" });
  await other.release({ by: "grant", grantId: holder.id, keys: ["a"], tombstone: false });
  await one.handedTo(waiter.id);
  const [row] = await database.query("SELECT session FROM locking WHERE key = 'a'");
  const [high, low] = halves(BigInt(row?.["session"] as string));
  // Has the session's lock as soon as that is gone, so that the server seems not to have noticed.
  const ghost = new pg.Client(database.url);
  ghost.on("error", () => {});
  await ghost.connect();
  const haunting = ghost.query("SELECT pg_advisory_lock($1, $2)", [high, low]);
  // In the moment in which it is told, and so before the server is asked to end the session.
  const asking = new Promise((resolve) => {
    one.lost.push = () => {
      resolve(one.take(waiter));
      return 0;
    };
  });
  const holds =
    "FROM pg_locks WHERE granted AND locktype = 'advisory' AND classid = $1 AND objid = $2 AND mode = 'ExclusiveLock'";
  await database.query(`SELECT pg_terminate_backend(pid, 2000) ${holds}`, [high >>> 0, low >>> 0]);
  await haunting;
  expect(await asking).toMatchObject({ status: "failed" });
  await expect.poll(() => database.query(`SELECT ${holds}`, [high >>> 0, low >>> 0]), slowly).toEqual([]);
  await expect.poll(() => one.take(waiter), slowly).toMatchObject({ status: "granted" });
  const [again] = await database.query("SELECT session FROM locking WHERE key = 'a'");
  expect(again?.["session"]).not.toBe(row?.["session"]);
  expect(await other.take({ wait: false })).toMatchObject({ status: "busy" });
});
