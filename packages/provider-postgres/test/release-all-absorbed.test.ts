import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { keyHash } from "../src/key-hash.ts";
import { claimOf } from "./instance.ts";
import { twoInstances } from "./two-instances.ts";

const both = twoInstances();

test.each(["o", null])(
  "what releaseAll(%j) frees does not come back, though a later grant just took it over",
  async (ownerId) => {
    const { one, other, database } = both;
    await one.take({ ownerId: "o", lease: Infinity });
    const [{ namespace } = { namespace: "" }] = await database.query("SELECT namespace FROM locking");
    const client = new pg.Client(database.url);
    await client.connect();
    onTestFinished(() => client.end());
    const hash = String(keyHash(namespace as string, "a"));
    const untilWaiting = (count: number) =>
      expect
        .poll(() =>
          database.query(
            "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid::bigint = $1::bigint & 4294967295",
            [hash],
          ),
        )
        .toHaveLength(count);
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [hash]);
    const wider = claimOf({ ownerId: "o", lease: Infinity, keys: ["a", "b"] });
    const taking = other.take(wider);
    await untilWaiting(1);
    const freeing = one.store.releaseAll(ownerId);
    await untilWaiting(2);
    await client.query("COMMIT");
    await Promise.all([taking, freeing]);
    await other.release({ by: "claim", claimId: wider.id, keys: ["a", "b"], tombstone: true });
    expect(await one.store.inspect(["a"])).toMatchObject([{ holders: [] }]);
  },
);
