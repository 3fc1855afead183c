import { afterAll, beforeAll, expect, test } from "vitest";
import { keyHash, knownHash } from "../src/key-hash.ts";
import { halves, namespaceMark } from "../src/operations/advisory.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

// Never to be changed: processes of different versions have to agree.
test.each([
  ["lock", "prod_123", -6775331904110464395n],
  ["lock", "a", -5069115769606360448n],
  ["lock", "b", -8237531716315305082n],
  ["other", "a", -342293841184766496n],
  ["lock", "ключ 🔑", -1931968075933839274n],
  ["lock:a", "b", -238320426535198206n],
  ["lock", "a:b", -6066438569524370617n],
])("the hash of %j and %j is as it always was", (namespace, key, hash) => {
  expect(keyHash(namespace, key)).toBe(hash);
});

// By which a process of one version finds the sessions of another, to end them.
test.each([
  ["lock", [-396532963, -175354300]],
  ["other", [-715697875, -1125300980]],
  ["ключ 🔑", [1577690647, 1235493936]],
])("what all sessions of the namespace %j hold is as it always was", (namespace, mark) => {
  expect(halves(namespaceMark(namespace))).toEqual(mark);
});

test("it is what the server computes of the same text", async () => {
  const [row] = await database.query(
    "SELECT ('x' || encode(substr(sha256(convert_to($1, 'UTF8') || '\\x00' || convert_to($2, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint::text AS hash",
    ["lock", "ключ 🔑"],
  );
  expect(row?.["hash"]).toBe(String(keyHash("lock", "ключ 🔑")));
});

test("keys of one hash are told apart", async () => {
  const claim = (n: number, id: string, keys: number[], wait: boolean): object => ({
    n,
    id,
    keys,
    owner: null,
    kind: "execute",
    permits: 1,
    lease: 30_000,
    keep: false,
    wait,
  });
  const take = (keys: string[], claims: object[]): Promise<Record<string, unknown>[]> =>
    database.query("SELECT n, outcome, id FROM locking_take('test', NULL, $1, $2, $3) ORDER BY n", [
      keys.map(() => 7),
      keys,
      JSON.stringify(claims),
    ]);

  expect(await take(["a", "b"], [claim(0, "both", [1, 2], false)])).toMatchObject([{ outcome: "granted" }]);
  expect(
    await take(
      ["a", "b", "c"],
      [claim(0, "a", [1], true), claim(1, "b", [2], true), claim(2, "c", [3], false)],
    ),
  ).toMatchObject([{ outcome: "queued" }, { outcome: "queued" }, { outcome: "granted" }]);
  await database.query("SELECT * FROM locking_release('test', NULL, '{7}', '{a}', NULL, $1)", [
    JSON.stringify([{ n: 0, how: "grant", id: "both", keys: [1], tombstone: false }]),
  ]);
  expect(await database.query("SELECT claim_id, key FROM locking ORDER BY key")).toEqual([
    { claim_id: "a", key: "a" },
    { claim_id: "both", key: "b" },
    { claim_id: "c", key: "c" },
  ]);
});

test("what is remembered of it is the same, also of more keys than are remembered", () => {
  const keys = Array.from({ length: 5_000 }, (_, n) => `key ${n % 2_500}`);
  for (const key of keys) {
    const number = keyHash("lock", key);
    expect(knownHash("lock", key)).toEqual({ number, text: String(number) });
  }
});
