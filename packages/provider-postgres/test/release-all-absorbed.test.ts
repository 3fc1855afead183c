import { expect, test } from "vitest";
import { heldKey } from "./held-key.ts";
import { claimOf } from "./instance.ts";
import { twoInstances } from "./two-instances.ts";

const both = twoInstances();

test.each(["o", null])(
  "what releaseAll(%j) frees does not come back, though a later grant just took it over",
  async (ownerId) => {
    const { one, other, database } = both;
    await one.take({ ownerId: "o", lease: Infinity });
    const key = await heldKey(database);
    await key.hold();
    const wider = claimOf({ ownerId: "o", lease: Infinity, keys: ["a", "b"] });
    const taking = other.take(wider);
    await key.awaitedBy(1);
    const freeing = one.store.releaseAll(ownerId);
    await key.awaitedBy(2);
    await key.letGo();
    await Promise.all([taking, freeing]);
    await other.release({ by: "claim", claimId: wider.id, keys: ["a", "b"], tombstone: true });
    expect(await one.store.inspect(["a"])).toMatchObject([{ holders: [] }]);
  },
);
