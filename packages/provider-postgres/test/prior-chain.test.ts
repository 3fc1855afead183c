import type { Claim } from "@lock/core";
import { expect, test } from "vitest";
import { claimOf } from "./instance.ts";
import { twoInstances } from "./two-instances.ts";

const both = twoInstances();

const held = () => claimOf({ ownerId: "o", lease: Infinity });
/** A claim of `a`, which takes over what its owner holds of it, and of another key. */
const wider = (key: string, lease = 30_000) => claimOf({ ownerId: "o", keys: ["a", key], lease });

async function taken<C extends readonly Claim[]>(...claims: C): Promise<C> {
  for (const claim of claims) await both.one.take(claim);
  return claims;
}

const withdraw = ({ id, keys }: Claim) =>
  both.one.release({ by: "claim", claimId: id, keys: [...keys], tombstone: true });
const free = ({ id, keys }: Claim) =>
  both.one.release({ by: "grant", grantId: id, keys: [...keys], tombstone: false });

/** Which of them holds `a`. */
async function holder(): Promise<string | undefined> {
  const [row] = await both.database.query("SELECT claim_id FROM locking WHERE key = 'a'");
  return row?.["claim_id"] as string | undefined;
}

const isHeld = async ({ id }: Claim): Promise<void> => {
  const renewal = { grantId: id, keys: ["a"], lease: Infinity };
  expect(await both.one.store.renew([renewal])).toMatchObject([{ status: "renewed" }]);
};
const isFree = async (): Promise<void> => {
  expect(await both.one.store.inspect(["a", "b", "c", "d"])).toMatchObject([
    { holders: [] },
    { holders: [] },
    { holders: [] },
    { holders: [] },
  ]);
};

const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

test.each([[[0, 1]], [[1, 0]]])(
  "two late grants given back in the order %j leave what the owner held",
  async (order) => {
    const [first, ...late] = await taken(held(), wider("b"), wider("c"));
    for (const at of order) await withdraw(late[at] as Claim);
    await isHeld(first);
    expect(await both.one.store.inspect(["b", "c"])).toMatchObject([{ holders: [] }, { holders: [] }]);
  },
);

test.each(orders.map((order) => [order]))("and so do three in the order %j", async (order) => {
  const [first, ...late] = await taken(held(), wider("b"), wider("c"), wider("d"));
  for (const at of order) await withdraw(late[at]);
  await isHeld(first);
  expect(await both.database.query("SELECT key, prior FROM locking")).toEqual([{ key: "a", prior: null }]);
});

test("a key goes back to a grant in between as that had it, with its token and for what was left of its lease", async () => {
  const [first, second] = await taken(held(), wider("b"));
  const row = "SELECT claim_id, position, token, provisional, expires_at, prior FROM locking WHERE key = 'a'";
  const before = await both.database.query(row);
  const [third, fourth] = await taken(wider("c"), wider("d"));
  await withdraw(third);
  await withdraw(fourth);
  expect(await both.database.query(row)).toEqual(before);
  await isHeld(second);
  await withdraw(second);
  await isHeld(first);
});

test("one in between that has ended meanwhile is passed over", async () => {
  const [first, , third] = await taken(held(), wider("b", 300), wider("c"));
  await expect.poll(() => both.one.store.inspect(["b"])).toMatchObject([{ holders: [] }]);
  await withdraw(third);
  await isHeld(first);
});

test("and it takes no place among those that are remembered", async () => {
  await taken(held(), wider("b", 300), wider("c"));
  await expect.poll(() => both.one.store.inspect(["b"])).toMatchObject([{ holders: [] }]);
  await taken(wider("d"));
  expect(
    await both.database.query("SELECT prior#>'{prior,prior}' AS third FROM locking WHERE key = 'a'"),
  ).toEqual([{ third: null }]);
});

test("where all of them have ended, the key is free", async () => {
  const [, , third] = await taken(claimOf({ ownerId: "o", lease: 300 }), wider("b", 300), wider("c"));
  await expect.poll(() => both.one.store.inspect(["b"])).toMatchObject([{ holders: [] }]);
  await withdraw(third);
  await isFree();
});

test("a grant in between that is released does not come back, and what it had taken over does", async () => {
  const [first, second, third] = await taken(held(), wider("b"), wider("c"));
  await free(second);
  expect(await both.one.store.inspect(["b"])).toMatchObject([{ holders: [] }]);
  await withdraw(third);
  await isHeld(first);
});

test("the first of them that is released does not come back, and the one in between does", async () => {
  const [first, second, third] = await taken(held(), wider("b"), wider("c"));
  await free(first);
  await withdraw(third);
  expect(await holder()).toBe(second.id);
  await withdraw(second);
  await isFree();
});

test("nor does it where an earlier version of the package releases it", async () => {
  const [first, second, third] = await taken(held(), wider("b"), wider("c"));
  const [row] = await both.database.query("SELECT namespace, hash::text FROM locking WHERE key = 'a'");
  const { namespace, hash } = row as { namespace: string; hash: string };
  const one = "SELECT FROM locking_release_one($1, NULL, $2, 'a', $3, NULL)";
  await both.database.query(one, [namespace, hash, first.id]);
  await withdraw(third);
  await withdraw(second);
  await isFree();
});

test.each([
  ["of one key", '[{ "n": 0, "id": "ID", "solo": 1 }]', null],
  ["with a tombstone", "[]", '[{ "n": 0, "how": "grant", "id": "ID", "keys": [1], "tombstone": true }]'],
])("nor with others, %s", async (_, plain, others) => {
  const [first, second, third] = await taken(held(), wider("b"), wider("c"));
  const [row] = await both.database.query("SELECT namespace, hash::text FROM locking WHERE key = 'a'");
  const { namespace, hash } = row as { namespace: string; hash: string };
  const several = "SELECT FROM locking_release($1, NULL, ARRAY[$2::bigint], ARRAY['a'], $3, $4)";
  const named = (text: string | null) => text?.replace("ID", first.id) ?? null;
  await both.database.query(several, [namespace, hash, named(plain), named(others)]);
  await withdraw(third);
  await withdraw(second);
  await isFree();
});

test("none of them comes back once the owner has released the key", async () => {
  const [, second, third] = await taken(held(), wider("b"), wider("c"));
  await both.one.release({ by: "owner", ownerId: "o", keys: ["a"] });
  await withdraw(third);
  await withdraw(second);
  await isFree();
});

test.each(["o", null])(
  "releaseAll(%j) frees those that were granted before it, and none comes back",
  async (ownerId) => {
    const [first, second] = await taken(held(), wider("b"));
    const [{ bound } = { bound: "" }] = await both.database.query(
      "SELECT nextval('locking_sequence') AS bound",
    );
    const [{ namespace } = { namespace: "" }] = await both.database.query("SELECT namespace FROM locking");
    const [third, fourth] = await taken(wider("c"), wider("d"));
    const all = "SELECT FROM locking_release_all($1, NULL, $2, $3, $4, 10)";
    await both.database.query(all, [namespace, ownerId, bound, String(-(2n ** 63n))]);
    await withdraw(fourth);
    expect(await holder()).toBe(third.id);
    await withdraw(third);
    await isFree();
    expect(await free(second)).toMatchObject({ freed: false });
    expect(await free(first)).toMatchObject({ freed: false });
  },
);

test("a claim that is granted again stands in the chain once", async () => {
  const [first, second, third] = await taken(held(), wider("b"), wider("c"));
  // Its answer was lost, and a part of it has been taken over.
  await taken(second);
  expect(await holder()).toBe(second.id);
  await withdraw(second);
  expect(await holder()).toBe(third.id);
  await withdraw(third);
  await isHeld(first);
});

test("nor does it lose what it had taken over where another part of it has been taken over", async () => {
  const [first, second, third] = await taken(held(), wider("b"), claimOf({ ownerId: "o", keys: ["b", "c"] }));
  await taken(second);
  expect(await holder()).toBe(second.id);
  await withdraw(third);
  await withdraw(second);
  await isHeld(first);
  expect(await both.one.store.inspect(["b", "c"])).toMatchObject([{ holders: [] }, { holders: [] }]);
});

test("16 are remembered, the latest", async () => {
  const late = Array.from({ length: 17 }, (_, n) => wider(`k${n}`));
  await taken(held(), ...late);
  for (const claim of late.slice(1).toReversed()) await withdraw(claim);
  expect(await holder()).toBe(late[0]?.id);
  await withdraw(late[0] as Claim);
  await isFree();
});

test("what an earlier version of the package wrote down is one, and comes back", async () => {
  const [first, second] = await taken(held(), wider("b"));
  await both.database.query(
    `UPDATE locking SET prior = jsonb_build_object('claim_id', prior->>'claim_id', 'position', (prior->>'position')::integer,
            'token', (prior->>'token')::bigint, 'provisional', false, 'expires_at', 'infinity'::timestamptz)
      WHERE prior IS NOT NULL`,
  );
  const [third] = await taken(wider("c"));
  await withdraw(second);
  await withdraw(third);
  await isHeld(first);
});

test("what is given back, or goes from the chain, is on the disk before it is answered", async () => {
  const { database } = both;
  await database.query("CREATE TABLE IF NOT EXISTS noted (setting text)");
  await database.query(`
    CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`);
  await database.query(
    `CREATE CONSTRAINT TRIGGER noting AFTER UPDATE OR DELETE ON locking
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old.prior IS NOT NULL) EXECUTE FUNCTION note()`,
  );
  const short = (key: string) => wider(key, 20_000);
  const [, second, third, fourth] = await taken(held(), short("b"), short("c"), short("d"));
  const noted = "SELECT DISTINCT setting FROM noted";
  for (const act of [() => withdraw(third), () => free(second), () => withdraw(fourth)]) {
    await database.query("TRUNCATE noted");
    await act();
    expect(await database.query(noted)).toEqual([{ setting: "on" }]);
  }
  await database.query("DROP TRIGGER noting ON locking");
});
