import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";

export const acquireCases: readonly ConformanceCase[] = area("acquire", [
  {
    name: "takes the keys, for every caller to see, until they are released",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ownerId: "u" });
      assert.equal(lock.ownerId, "u");
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { ownerId: "v" }));
      await refusal(
        "LOCK_TIMEOUT",
        rival.execute("k", () => assert.fail("the job ran"), { timeout: "300ms" }),
      );
      assert.equal(await rival.release("k", { ownerId: "u" }), true);
      await rival.acquire("k", { ownerId: "v" });
    },
  },
  {
    name: "does not wait without awaitQueue, whatever its timeout",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      for (const awaitQueue of [undefined, false]) {
        const call = rival.acquire("k", { awaitQueue, timeout: 10 });
        await within(1_000, "a refusal", refusal("LOCK_NOT_ACQUIRED", call));
      }
    },
  },
  {
    name: "waits with awaitQueue until the lock is released",
    rival: true,
    run: async (world) => {
      const held = await world.locking.acquire("k", { ownerId: "u" });
      const waiter = world.rival.acquire("k", { ownerId: "v", awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("k", 1);
      assert.equal(await pendingAfter(30, waiter), true);
      await held.release();
      const lock = await waiter;
      assert.equal(lock.ownerId, "v");
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", { ownerId: "u" }));
    },
  },
  {
    name: "of many callers at once, exactly one gets the key",
    rival: true,
    run: async ({ locking, rival }) => {
      for (let round = 0; round < 5; round++) {
        const calls = Array.from({ length: 20 }, async (_, index) => {
          return await (index % 2 === 0 ? locking : rival).acquire(`k${round}`, { ownerId: `u${index}` });
        });
        const settled = await Promise.allSettled(calls);
        assert.equal(settled.filter((one) => one.status === "fulfilled").length, 1);
      }
    },
  },
  {
    name: "without expire, or with 0, the lock does not expire",
    rival: true,
    run: async ({ locking, rival }) => {
      for (const [key, expire] of [
        ["a", undefined],
        ["b", 0],
        ["c", "0ms"],
        ["d", "0s"],
      ] as const) {
        const lock = await locking.acquire(key, { expire, ownerId: "u" });
        assert.equal(lock.remaining(), Infinity);
      }
      await pause(100);
      for (const key of ["a", "b", "c", "d"])
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key, { ownerId: "v" }));
    },
  },
  {
    name: "with expire it is held that long, and free afterwards without anyone cleaning up",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire(["a", "b"], { expire: "700ms", ownerId: "u" });
      await pause(lock.remaining() - 350);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a"));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("b"));
      await pause(500);
      await rival.acquire("b");
      await rival.acquire("a");
    },
  },
  {
    name: "expire counts from the grant, not from when it was asked for",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiter = world.rival.acquire("k", { expire: "700ms", awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("k", 1);
      await pause(500);
      await holder.free();
      const lock = await waiter;
      if (world.manifest.fencing) assert.ok(lock.remaining() > 400, `remaining() is ${lock.remaining()}`);
      await pause(400);
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k"));
    },
  },
  {
    name: "a waiter that was handed the lock keeps it for ever when it asked for no expire",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiter = world.rival.acquire("k", { awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("k", 1);
      await holder.free();
      const lock = await waiter;
      assert.equal(lock.remaining(), Infinity);
      lock.assertHeld();
      if (!world.manifest.inspect) return;
      // The handed-over grant may have begun as a short one, but not any more when acquire has resolved.
      const [state] = await world.locking.inspect("k");
      assert.equal(state?.holders[0]?.remaining, Infinity);
    },
  },
  {
    name: "an expired lock is nobody's: its owner is granted a new one",
    run: async ({ locking, manifest }) => {
      const old = await locking.acquire("k", { expire: "150ms", ownerId: "u" });
      await pause(350);
      const lock = await locking.acquire("k", { expire: "5s", ownerId: "u" });
      lock.assertHeld();
      assert.throws(() => old.assertHeld());
      if (manifest.fencing) assert.ok(lock.fencingToken > old.fencingToken);
    },
  },
  {
    name: "a refused claim takes nothing and leaves nothing",
    rival: true,
    run: async ({ locking, rival }) => {
      const held = await locking.acquire("k", { ownerId: "u" });
      for (let time = 0; time < 5; time++)
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { ownerId: "v" }));
      await held.release();
      await locking.acquire("k", { ownerId: "w" });
    },
  },
]);
