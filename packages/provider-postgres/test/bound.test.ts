import { expect, test } from "vitest";
import pg from "pg";
import { migratedDatabase } from "./database.ts";
import { claimOf, instance } from "./instance.ts";

test("a claim that was bound and then withdrawn is in nobody's way, its own transaction's included", async () => {
  await using database = await migratedDatabase();
  await using own = await instance({ connectionString: database.url }, { sessions: 2 });
  const transaction = new pg.Client(database.url);
  await transaction.connect();
  await transaction.query("BEGIN");
  const claim = claimOf({ transaction });
  await own.take(claim);
  await own.store.bind({ grantId: claim.id, keys: ["a"], transaction });
  // As when its signal aborts before that is answered.
  await own.release({ by: "claim", claimId: claim.id, keys: ["a"], tombstone: true });
  expect(await own.take(claimOf({ transaction }))).toMatchObject({ status: "granted" });
  await transaction.end();
});
