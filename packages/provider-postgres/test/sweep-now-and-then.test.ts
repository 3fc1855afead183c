import { expect, test, vi } from "vitest";
import { migratedDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

test("an instance that is in use removes, once in 30 s, what ended and nobody touched, also what lived with a session that is gone", async () => {
  await using database = await migratedDatabase();
  const namespace = newId();
  const gone = await instance({ connectionString: database.url }, { namespace, sessions: 1 });
  await gone.take({ keys: ["of a session"], limit: 2 });
  await gone.store.close();
  await using one = await instance({ connectionString: database.url }, { namespace });
  await one.take({ keys: ["of a lease"] });
  await database.query(
    "UPDATE locking SET expires_at = clock_timestamp() - interval '11 s' WHERE key = 'of a lease'",
  );
  const use = async (): Promise<void> => {
    const claim = claimOf({ keys: ["other"] });
    await one.take(claim);
    await one.release({ by: "grant", grantId: claim.id, keys: claim.keys, tombstone: false });
  };
  const left = (): Promise<unknown> => database.query("SELECT key FROM locking ORDER BY key");
  const now = performance.now.bind(performance);
  let later = 0;
  using _ = vi.spyOn(performance, "now").mockImplementation(() => now() + later);
  expect(await left()).toHaveLength(2);
  later = 30_001;
  await use();
  await expect.poll(left).toEqual([]);
});
