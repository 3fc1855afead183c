import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

export const inspectCases: readonly ConformanceCase[] = area("inspect", [
  {
    name: "is LOCK_UNSUPPORTED where the manifest does not offer it",
    requires: { inspect: false },
    run: async ({ locking }) => {
      await refusal("LOCK_UNSUPPORTED", locking.inspect("k"));
    },
  },
  {
    name: "answers in the order of the keys, also of those that nobody holds",
    requires: { inspect: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["c", "a"], { ownerId: "u" });
      const states = await rival.inspect(["a", "b", "c"]);
      assert.deepEqual(
        states.map(({ key, holders }) => [key, holders.length]),
        [
          ["a", 1],
          ["b", 0],
          ["c", 1],
        ],
      );
      assert.deepEqual(await rival.inspect("b"), [{ key: "b", holders: [], waiting: 0 }]);
    },
  },
  {
    name: "tells each holder's owner, limit and remaining milliseconds",
    requires: { inspect: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a", { ownerId: "u", expire: "20s" });
      await locking.acquire("b");
      const [a, b] = await rival.inspect(["a", "b"]);
      const [holder] = a!.holders;
      assert.equal(holder?.ownerId, "u");
      assert.equal(holder.limit, 1);
      assert.ok(holder.remaining > 18_000 && holder.remaining <= 20_000, `remaining is ${holder.remaining}`);
      assert.equal(b!.holders[0]?.ownerId, null);
      assert.equal(b!.holders[0].remaining, Infinity);
    },
  },
  {
    name: "tells each holder's fencing token",
    requires: { inspect: true, fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire(["a", "b"], { ownerId: "u" });
      for (const state of await rival.inspect(["a", "b"]))
        assert.equal(state.holders[0]?.fencingToken, lock.fencingToken);
    },
  },
  {
    name: "tells the holders of a semaphore and of a shared lock",
    requires: { inspect: true, limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      for (const ownerId of ["u", "v"]) await locking.acquire("three", { limit: 3, ownerId });
      await locking.acquire("shared", { limit: Infinity });
      const [three, shared] = await rival.inspect(["three", "shared"]);
      assert.deepEqual(three!.holders.map((holder) => `${holder.ownerId} of ${holder.limit}`).sort(), [
        "u of 3",
        "v of 3",
      ]);
      assert.deepEqual(
        shared!.holders.map((holder) => [holder.ownerId, holder.limit]),
        [[null, Infinity]],
      );
    },
  },
  {
    name: "shows the lock of a job as nobody's",
    requires: { inspect: true },
    rival: true,
    run: async (world) => {
      const job = await world.hold("k");
      const [state] = await world.rival.inspect("k");
      assert.equal(state?.holders.length, 1);
      const [holder] = state.holders;
      assert.equal(holder?.ownerId, null);
      if (world.manifest.fencing && holder.fencingToken !== null) {
        assert.equal(holder.fencingToken, job.lock.fencingToken);
      }
      await job.free();
      assert.deepEqual((await world.rival.inspect("k"))[0]?.holders, []);
    },
  },
  {
    name: "tells how many wait, until they leave or get in",
    requires: { inspect: true, fifo: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const job = await world.hold("a");
      const calls = [
        rival.execute(["a", "b"], () => {}, { timeout: "5s" }),
        rival.acquire("a", { awaitQueue: true, timeout: "5s", ownerId: "u" }),
        refusal(
          "LOCK_TIMEOUT",
          rival.execute("a", () => {}, { timeout: "1s" }),
        ),
      ];
      await world.untilWaiting("a", 3);
      assert.equal((await locking.inspect("b"))[0]?.waiting, 1);
      await calls[2];
      await world.untilWaiting("a", 2);
      await job.free();
      await Promise.all(calls);
      assert.deepEqual(
        (await locking.inspect(["a", "b"])).map((state) => state.waiting),
        [0, 0],
      );
    },
  },
  {
    name: "does not show what has expired",
    requires: { inspect: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { ownerId: "u", expire: "100ms" });
      await pause(250);
      assert.deepEqual(await rival.inspect("k"), [{ key: "k", holders: [], waiting: 0 }]);
    },
  },
  {
    name: "shows nothing of what was refused",
    requires: { inspect: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a", { ownerId: "u" });
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire(["a", "b"], { ownerId: "v" }));
      await refusal(
        "LOCK_TIMEOUT",
        rival.execute(["b", "a"], () => {}, { timeout: "300ms" }),
      );
      const [a, b] = await locking.inspect(["a", "b"]);
      assert.deepEqual([a!.holders.length, a!.waiting], [1, 0]);
      assert.deepEqual([b!.holders.length, b!.waiting], [0, 0]);
    },
  },
  {
    name: "checks its keys",
    requires: { inspect: true },
    run: async ({ locking }) => {
      for (const keys of ["", "\0", []]) await refusal("LOCK_INVALID_ARGUMENT", locking.inspect(keys));
    },
  },
]);
