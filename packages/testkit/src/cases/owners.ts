import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";
import { special } from "./keys.ts";

export const ownerCases: readonly ConformanceCase[] = area("owners", [
  {
    name: "an ownerId obeys the rules of keys; an empty one is an error",
    run: async ({ locking }) => {
      const wrong: readonly unknown[] = ["", "\0", "\ud800", "x".repeat(1_025), 7, {}, ["u"]];
      for (const ownerId of wrong as readonly string[]) {
        await refusal("LOCK_INVALID_ARGUMENT", locking.acquire("k", { ownerId }));
        await refusal("LOCK_INVALID_ARGUMENT", locking.release("k", { ownerId }));
        await refusal("LOCK_INVALID_ARGUMENT", locking.releaseAll({ ownerId }));
      }
      await locking.acquire("k");
    },
  },
  {
    name: "an ownerId of null is none",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ownerId: null });
      assert.equal(lock.ownerId, null);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { ownerId: null }));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { ownerId: "null" }));
      assert.equal(await rival.release("k", { ownerId: "null" }), false);
      assert.equal(await rival.release("k"), true);
    },
  },
  {
    name: "an owner is compared exactly: by case, by spaces, by form, to the last of 1,024 bytes",
    rival: true,
    run: async ({ locking, rival }) => {
      const long = "x".repeat(1_023);
      const likes = [
        ["User", "user"],
        ["u", "u "],
        ["é", "e\u0301"],
        [`${long}1`, `${long}2`],
        ["u", "u*"],
        ["u", "%"],
        ["u", "_"],
      ];
      for (const [index, [ownerId = "", like = ""]] of likes.entries()) {
        await locking.acquire(`k${index}`, { ownerId });
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(`k${index}`, { ownerId: like }));
        assert.equal(await rival.release(`k${index}`, { ownerId: like }), false, like);
        await rival.releaseAll({ ownerId: like });
        assert.equal(await rival.release(`k${index}`, { ownerId }), true, ownerId);
      }
    },
  },
  {
    name: "no character of an owner is special",
    rival: true,
    run: async ({ locking, rival }) => {
      const held = special.map((ownerId, index) => ({ key: `k${index}`, ownerId }));
      await Promise.all(
        held.map(async ({ key, ownerId }) => {
          assert.equal((await locking.acquire(key, { ownerId })).ownerId, ownerId);
        }),
      );
      const [first, ...rest] = held;
      await rival.releaseAll({ ownerId: first!.ownerId });
      assert.equal(await rival.release(first!.key, { ownerId: first!.ownerId }), false);
      for (const { key, ownerId } of rest) {
        assert.equal(await rival.release(key, { ownerId }), true, JSON.stringify(ownerId));
      }
    },
  },
  {
    name: "keys and owners are told apart wherever the one ends and the other begins",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a:b", { ownerId: "c" });
      await rival.acquire("a", { ownerId: "b:c" });
      assert.equal(await rival.release("a", { ownerId: "c" }), false);
      assert.equal(await rival.release("a:b", { ownerId: "b:c" }), false);
      await rival.releaseAll({ ownerId: "b" });
      assert.equal(await rival.release("a:b", { ownerId: "c" }), true);
      assert.equal(await rival.release("a", { ownerId: "b:c" }), true);
    },
  },
  {
    name: "two callers without ownerId are strangers",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
    },
  },
  {
    name: "held by another owner, or held or asked for without an owner: refused",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("owned", { ownerId: "u" });
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("owned", { ownerId: "v" }));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("owned"));
      await locking.acquire("ownerless");
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("ownerless", { ownerId: "u" }));
    },
  },
  {
    name: "an owner has at most one permit of a key",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      for (const service of [locking, rival, locking]) await service.acquire("k", { ownerId: "u", limit: 2 });
      await rival.acquire("k", { ownerId: "v", limit: 2 });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { ownerId: "w", limit: 2 }));
      assert.equal(await rival.release("k", { ownerId: "u" }), true);
      assert.equal(await rival.release("k", { ownerId: "u" }), false);
    },
  },
  {
    name: "each call without an owner takes a permit of its own",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { limit: 3 });
      await locking.acquire("k", { limit: 3 });
      await rival.acquire("k", { limit: 3 });
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { limit: 3 }));
    },
  },
]);
