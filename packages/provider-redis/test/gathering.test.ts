import { expect, it, onTestFinished } from "vitest";
import { bucketOf } from "../src/bucket-of.ts";
import { Bucket } from "../src/bucket.ts";
import { Connection } from "../src/connection.ts";
import { KeyLayout } from "../src/key-layout.ts";
import type { Seal } from "../src/operations/seal.ts";
import { Shards } from "../src/shards.ts";
import { byClaim, byGrant, claimOf, journal, newNamespace, redisUrl } from "./instance.ts";

/** Two buckets, of one server, that call `sealed` once when a seal was answered; and a key of each. */
async function shards(sealed: () => Promise<void>): Promise<{ locks: Shards; keys: [string, string] }> {
  const connection = new Connection({ redisUrl }, 5_000);
  await connection.open("test", journal().logger, []);
  onTestFinished(() => connection.close());
  let times = 0;
  class Watched extends Bucket {
    override async seal(seal: Seal): Promise<number> {
      const token = await super.seal(seal);
      times += 1;
      if (times === 1) await sealed();
      return token;
    }
  }
  const namespace = newNamespace();
  const locks = new Shards(
    [0, 1].map((n) => new Watched(connection, new KeyLayout(namespace, n), "", "process", null)),
  );
  await locks.open();
  const names = Array.from({ length: 100 }, (_, n) => `k${n}`);
  const keyOf = (bucket: number): string => names.find((key) => bucketOf(key, 2) === bucket) as string;
  return { locks, keys: [keyOf(0), keyOf(1)] };
}

it("a claim that is withdrawn while it is sealed leaves its owner's earlier grant as it was", async () => {
  const withdrawn: (() => Promise<unknown>)[] = [];
  const { locks, keys } = await shards(async () => {
    for (const withdraw of withdrawn) await withdraw();
  });
  const [had, whole] = [
    claimOf({ keys: [keys[0]], ownerId: "o", lease: Infinity }),
    claimOf({ keys, ownerId: "o", lease: Infinity }),
  ];
  await locks.take([had]);
  // As the engine does when its caller aborts: its request is under way, so with a tombstone.
  withdrawn.push(() => locks.release([byClaim(whole.id, keys, true)]));
  expect(await locks.take([whole])).toMatchObject([{ status: "failed" }]);
  expect(await locks.inspect(keys)).toMatchObject([
    { holders: [{ ownerId: "o", fencingToken: 1n }] },
    { holders: [] },
  ]);
  expect(await locks.release([byGrant(had.id, [keys[0]])])).toEqual([{ status: "released", freed: true }]);
});
