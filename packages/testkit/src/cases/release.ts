import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;

export const releaseCases: readonly ConformanceCase[] = area("release", [
  {
    name: "frees what the owner holds, from wherever it is called, and returns true; a second time false",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", u);
      assert.equal(await rival.release("k", u), true);
      assert.equal(await locking.release("k", u), false);
      await rival.acquire("k", v);
    },
  },
  {
    name: "without an owner it frees what is held without an owner",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      assert.equal(await rival.release("k"), true);
      assert.equal(await rival.release("k"), false);
      await locking.acquire("k", u);
    },
  },
  {
    name: "without an owner it frees no owner's lock",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", u);
      for (const args of [{}, undefined, { ownerId: null }, { ownerId: undefined }]) {
        assert.equal(await rival.release("k", args), false);
      }
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
    },
  },
  {
    name: "with an owner it frees nobody else's lock",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("owned", u);
      await locking.acquire("ownerless");
      assert.equal(await rival.release("owned", v), false);
      assert.equal(await rival.release("ownerless", u), false);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("owned", v));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("ownerless", u));
    },
  },
  {
    name: "without an owner it frees all the permits that are held without one, and no other",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const three = { limit: 3 } as const;
      await locking.acquire("k", three);
      await rival.acquire("k", three);
      await locking.acquire("k", { ...three, ...u });
      assert.equal(await rival.release("k"), true);
      await rival.acquire("k", three);
      await locking.acquire("k", three);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", three));
      assert.equal(await locking.release("k", u), true);
    },
  },
  {
    name: "with an owner it frees that owner's permit alone",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { limit: 2, ...u });
      await rival.acquire("k", { limit: 2, ...v });
      assert.equal(await rival.release("k", u), true);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
      assert.equal(await locking.release("k", v), true);
      await locking.acquire("k");
    },
  },
  {
    name: "an unknown key is false",
    run: async ({ locking }) => {
      assert.equal(await locking.release("unknown"), false);
      assert.equal(await locking.release("unknown", u), false);
      assert.equal(await locking.release(["unknown", "too"], u), false);
    },
  },
  {
    name: "an expired key is false",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("owned", { ...u, expire: "100ms" });
      await locking.acquire("ownerless", { expire: "100ms" });
      await pause(250);
      assert.equal(await rival.release("owned", u), false);
      assert.equal(await locking.release("ownerless"), false);
    },
  },
  {
    name: "returns true only if it freed something of every key, and frees the others all the same",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("mine", u);
      await locking.acquire("also mine", u);
      await locking.acquire("theirs", v);
      assert.equal(await rival.release(["unknown", "mine", "theirs", "also mine"], u), false);
      await rival.acquire(["mine", "also mine"], v);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("theirs", u));
    },
  },
  {
    name: "frees several locks of one owner at once",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a", u);
      await locking.acquire(["b", "c"], u);
      assert.equal(await rival.release(["c", "a", "b"], u), true);
      await rival.acquire(["a", "b", "c"]);
    },
  },
  {
    name: "frees of a lock on many keys only those that were named",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["a", "b"], u);
      assert.equal(await rival.release("a", u), true);
      await rival.acquire("a", v);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("b", v));
      assert.equal(await locking.release("b", u), true);
    },
  },
  {
    name: "never frees a later holder's lock",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { ...u, expire: "100ms" });
      await pause(250);
      const later = await rival.acquire("k", v);
      assert.equal(await locking.release("k", u), false);
      assert.equal(await locking.release("k"), false);
      later.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", u));
    },
  },
  {
    name: "a refused release disturbs neither the holder nor who waits",
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      await locking.acquire("k", u);
      const waiter = world.hold("k", { timeout: "5s" }, rival);
      await world.untilWaiting("k", 1);
      assert.equal(await rival.release("k", v), false);
      assert.equal(await rival.release("k"), false);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", v));
      assert.equal(await rival.release("k", u), true);
      await (await waiter).free();
    },
  },
  {
    name: "a wait is no lock: release by its owner frees nothing of it",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiter = world.rival.acquire("k", { ...u, awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("k", 1);
      assert.equal(await world.locking.release("k", u), false);
      await holder.free();
      (await waiter).assertHeld();
    },
  },
]);
