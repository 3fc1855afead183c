import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { keyHash } from "../src/key-hash.ts";
import { halves } from "../src/operations/advisory.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId, type Instance } from "./instance.ts";

let database: TestDatabase;
let namespace: string;
let own: Instance;

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  namespace = newId();
  own = await instance({ connectionString: database.url }, { namespace, sessions: 2 });
  return () => own.store.close();
});

/** The process in the server that holds the key bare. */
async function holderOf(key: string): Promise<unknown> {
  const [high, low] = halves(keyHash(namespace, key)).map((half) => half >>> 0);
  const [row] = await database.query(
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = $1 AND objid = $2",
    [high, low],
  );
  return row?.["pid"];
}

test("who asks for one lock after the other keeps to one connection; who asks meanwhile has another", async () => {
  const claims = ["a", "b", "c"].map((key) => claimOf({ keys: [key] }));
  for (const claim of claims) expect(await own.take(claim)).toMatchObject({ remaining: Infinity });
  const pids = await Promise.all(["a", "b", "c"].map((key) => holderOf(key)));
  expect(pids).toEqual([expect.any(Number), pids[0], pids[0]]);
  const both = [claimOf({ keys: ["d"] }), claimOf({ keys: ["e"] })];
  await Promise.all(both.map((claim) => own.store.take([claim])));
  expect(await holderOf("d")).not.toBe(await holderOf("e"));
});

test("a connection that carries as many keys as it may is left for another", async () => {
  const keys = Array.from({ length: 500 }, (_, n) => `many-${n}`);
  expect(await own.take(claimOf({ keys }))).toMatchObject({ remaining: Infinity });
  expect(await own.take(claimOf({ keys: ["one more"] }))).toMatchObject({ remaining: Infinity });
  expect(await database.query("SELECT FROM locking")).toEqual([]);
  expect(await holderOf("one more")).not.toBe(await holderOf("many-0"));
});

test("many requests at once are sent one after the other, which pg does not warn of", async () => {
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", note);
  try {
    const takes = Array.from({ length: 60 }, (_, n) => own.store.take([claimOf({ keys: [`at once ${n}`] })]));
    for (const [reply] of await Promise.all(takes)) expect(reply).toMatchObject({ status: "granted" });
    // Warnings are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("warning", note);
  }
  expect(warnings).toEqual([]);
});

test("what is asked for at once fills a connection as what it carries already does", async () => {
  await using crowded = await instance({ connectionString: database.url }, { namespace, sessions: 1 });
  // All sent before the first is answered.
  const takes = Array.from({ length: 8 }, (_, turn) =>
    crowded.store.take(Array.from({ length: 100 }, (__, n) => claimOf({ keys: [`${turn}-${n}`] }))),
  );
  const replies = (await Promise.all(takes)).flat();
  expect(replies.every(({ status }) => status === "granted")).toBe(true);
  expect(
    await database.query("SELECT count(*)::integer AS rows FROM locking WHERE namespace = $1", [namespace]),
  ).toEqual([{ rows: 300 }]);
});
