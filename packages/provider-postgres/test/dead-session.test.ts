import { expect, test } from "vitest";
import { migratedDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

test("what a session held by a row is free once the session has ended, also to who does not wait", async () => {
  await using database = await migratedDatabase();
  const name = `dead-${newId()}`;
  const url = new URL(database.url);
  url.searchParams.set("application_name", name);
  await using one = await instance({ connectionString: url.href }, { sessions: 2 });
  await using other = await instance({ connectionString: database.url }, { sessions: 2 });
  const job = claimOf({ limit: 2 });
  expect(await one.take(job)).toMatchObject({ status: "granted" });
  expect(await database.query("SELECT count(session)::integer AS held FROM locking")).toEqual([{ held: 1 }]);
  expect(await other.take({ wait: false })).toMatchObject({ status: "busy" });
  await database.query(
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = $1",
    [name],
  );
  expect(await other.take({ wait: false })).toMatchObject({ status: "granted" });
});

test("a key that somebody waits for is not held bare, though nobody holds it", async () => {
  await using database = await migratedDatabase();
  await using one = await instance({ connectionString: database.url }, { sessions: 2 });
  await using other = await instance({ connectionString: database.url }, { sessions: 2 });
  await one.take({ limit: 2 });
  expect(await one.take({})).toMatchObject({ status: "queued" });
  // As when a lease has ended and was cleared away before the waiter looks.
  await database.query("DELETE FROM locking");
  expect(await other.take({ wait: false })).toMatchObject({ status: "busy" });
});
