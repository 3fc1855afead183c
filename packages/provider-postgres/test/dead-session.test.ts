import { beforeEach, expect, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

// Advisory locks are of the database, which other tests use too.
let namespace: string;
beforeEach(() => {
  namespace = newId();
});

function named(url: string, applicationName: string): string {
  const result = new URL(url);
  result.searchParams.set("application_name", applicationName);
  return result.href;
}

/** All connections of that name, until they are gone. */
async function end(database: TestDatabase, applicationName: string): Promise<void> {
  await database.query(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = $1",
    [applicationName],
  );
}

test("what a session held by a row is free once the session has ended, also to who does not wait", async () => {
  await using database = await migratedDatabase();
  const name = `dead-${newId()}`;
  await using one = await instance(
    { connectionString: named(database.url, name) },
    { namespace, sessions: 2 },
  );
  await using other = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  const job = claimOf({ limit: 2 });
  expect(await one.take(job)).toMatchObject({ status: "granted" });
  expect(await database.query("SELECT count(session)::integer AS held FROM locking")).toEqual([{ held: 1 }]);
  expect(await other.take({ wait: false })).toMatchObject({ status: "busy" });
  await end(database, name);
  expect(await other.take({ wait: false })).toMatchObject({ status: "granted" });
});

test.each(["taken", "handed over", "handed over and confirmed"])(
  "what a session held by a row that was %s is handed on within 1 s after the session has ended",
  async (how) => {
    await using database = await migratedDatabase();
    const name = `dead-${newId()}`;
    await using one = await instance(
      { connectionString: named(database.url, name) },
      { namespace, sessions: 2 },
    );
    await using other = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
    const [before, held, behind] = [claimOf({}), claimOf({ limit: 2 }), claimOf({})];
    if (how !== "taken") await other.take(before);
    expect(await one.take(held)).toMatchObject({ status: how === "taken" ? "granted" : "queued" });
    if (how !== "taken") {
      await other.release({ by: "grant", grantId: before.id, keys: ["a"], tombstone: false });
      await one.handedTo(held.id);
      if (how !== "handed over") await one.take(held);
    }
    expect(await other.take(behind)).toMatchObject({ status: "queued" });
    await end(database, name);
    const ended = performance.now();
    await other.handedTo(behind.id);
    expect(performance.now() - ended).toBeLessThan(1_000);
  },
);

test("who waits on a connection that has ended keeps nobody back, and stands where it stood once it asks with another", async () => {
  await using database = await migratedDatabase();
  const name = `dead-${newId()}`;
  await using one = await instance(
    { connectionString: named(database.url, name) },
    { namespace, sessions: 2 },
  );
  await using other = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  const [a, b] = [claimOf({ keys: ["a"], limit: 2 }), claimOf({ keys: ["b"], limit: 2 })];
  await other.store.take([a, b]);
  const waiting = claimOf({ keys: ["a", "b"] });
  const queued = await one.take(waiting);
  expect(queued).toMatchObject({ status: "queued" });
  const behind = claimOf({});
  expect(await other.take(behind)).toMatchObject({ status: "queued" });
  await end(database, name);
  await other.release({ by: "grant", grantId: a.id, keys: ["a"], tombstone: false });
  await other.handedTo(behind.id);
  await other.release({ by: "grant", grantId: b.id, keys: ["b"], tombstone: false });
  expect(await other.take({ keys: ["b"], wait: false })).toMatchObject({ status: "granted" });
  const { ticket } = queued as { ticket: number };
  await expect.poll(() => one.take(waiting)).toMatchObject({ status: "queued", ticket });
});

test("a key that somebody waits for is not held bare, though nobody holds it", async () => {
  await using database = await migratedDatabase();
  await using one = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  await using other = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  await one.take({ limit: 2 });
  expect(await one.take({})).toMatchObject({ status: "queued" });
  // As when a lease has ended and was cleared away before the waiter looks.
  await database.query("DELETE FROM locking");
  expect(await other.take({ wait: false })).toMatchObject({ status: "busy" });
});
