import type { Claim } from "@lock/core";
import { expect, test } from "vitest";
import { MemoryStore } from "../src/store.ts";

function claim(id: string, keys: readonly string[], ownerId: string): Claim {
  return { id, keys, ownerId, kind: "acquire", limit: 1, lease: Infinity, keepLease: true, wait: true };
}

test("a claim that is granted anew, having lost a key to its owner's next grant, leaves nothing when it is withdrawn", () => {
  const store = new MemoryStore();
  store.take([claim("x", ["a", "b", "c"], "somebody")]);
  store.take([claim("first", ["c", "a"], "u")]);
  store.take([claim("second", ["b", "a"], "u")]);
  store.release([{ by: "grant", grantId: "x", keys: ["a", "b", "c"], tombstone: false }]);
  expect(store.take([claim("first", ["c", "a"], "u")])).toMatchObject([{ status: "granted" }]);
  store.release([{ by: "claim", claimId: "first", keys: ["c", "a"], tombstone: false }]);
  const holders = store.inspect(["a", "b", "c"]).map((state) => state.holders.length);
  expect(holders).toEqual([1, 1, 0]);
});
