import { isLockError } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { until, within } from "../world/bounded.ts";
import { lockError, refusal, rejection } from "../world/rejection.ts";

export const lostCases: readonly ConformanceCase[] = area("lost", [
  {
    name: "a job whose lock was freed under it is never reported as a success: execute rejects with LOCK_LOST",
    rival: true,
    run: async ({ locking, rival }) => {
      const call = locking.execute("k", async () => {
        await rival.releaseAll();
        return "unprotected";
      });
      const error = await refusal("LOCK_LOST", call);
      assert.ok(error.message.startsWith("Lost the lock"), error.message);
      assert.deepEqual(error.keys, ["k"]);
    },
  },
  {
    name: "an error of the job becomes the cause of LOCK_LOST",
    rival: true,
    run: async ({ locking, rival }) => {
      const own = new Error("the job's own");
      const call = locking.execute("k", async () => {
        await rival.releaseAll();
        throw own;
      });
      assert.equal((await refusal("LOCK_LOST", call)).cause, own);
    },
  },
  {
    name: "lock.signal aborts with the LockLostError that execute rejects with",
    rival: true,
    run: async ({ locking, rival }) => {
      let reason: unknown;
      const call = locking.execute(
        "k",
        async (lock) => {
          await rival.releaseAll();
          await until("lock.signal to abort", () => lock.signal.aborted, 1_500);
          reason = lock.signal.reason;
          assert.throws(
            () => lock.assertHeld(),
            (error) => isLockError(error, "LOCK_LOST"),
          );
          assert.equal(lock.remaining(), 0);
        },
        { expire: "600ms" },
      );
      assert.equal(await refusal("LOCK_LOST", call), reason);
      assert.equal((reason as Error).name, "LockLostError");
    },
  },
  {
    name: "execute rejects only after the job has settled",
    rival: true,
    run: async ({ locking, rival }) => {
      let settled = false;
      const call = locking.execute(
        "k",
        async () => {
          await rival.releaseAll();
          await pause(700);
          settled = true;
        },
        { expire: "400ms" },
      );
      await refusal("LOCK_LOST", call);
      assert.equal(settled, true);
    },
  },
  {
    name: "a lost lock is never silently taken again",
    rival: true,
    run: async ({ locking, rival }) => {
      let stayedLost = false;
      const call = locking.execute(
        "k",
        async () => {
          await rival.releaseAll();
          // Long enough for the renewal to have come by several times.
          await pause(700);
          const other = await rival.acquire("k", { ownerId: "u" });
          await pause(500);
          other.assertHeld();
          stayedLost = await rival.release("k", { ownerId: "u" });
        },
        { expire: "400ms" },
      );
      await refusal("LOCK_LOST", call);
      assert.equal(stayedLost, true, "the lost holder took the lock back");
    },
  },
  {
    name: "the release of a lost lock never frees the next holder's",
    rival: true,
    run: async ({ locking, rival }) => {
      const next = { ownerId: "next" };
      const call = locking.execute("k", async () => {
        await rival.releaseAll();
        await rival.acquire("k", next);
      });
      await refusal("LOCK_LOST", call);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
      assert.equal(await rival.release("k", next), true);
    },
  },
  {
    name: "a lock that nobody lost aborts no signal, nor does its release",
    run: async ({ locking }) => {
      const signals: AbortSignal[] = [];
      for (let time = 0; time < 3; time++) {
        await locking.execute("k", (lock) => void signals.push(lock.signal), { expire: "300ms" });
      }
      await pause(500);
      assert.deepEqual(
        signals.map((signal) => signal.aborted),
        [false, false, false],
      );
    },
  },
  {
    name: "the loss of one lock is not the loss of another",
    rival: true,
    run: async ({ locking, rival }) => {
      await rival.acquire("owned", { ownerId: "u" });
      const result = await locking.execute(
        "k",
        async (lock) => {
          await rival.releaseAll({ ownerId: "u" });
          // Past the next renewal, which would tell of a loss.
          await pause(1_200);
          lock.assertHeld();
          return "done";
        },
        { expire: "2.4s" },
      );
      assert.equal(result, "done");
    },
  },
  {
    name: "who waits gets the lock that was freed under a job, and only once",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      let inside = 0;
      const calls = [1, 2, 3].map(
        async () =>
          await world.rival.execute(
            "k",
            async () => {
              assert.equal(++inside, 1);
              await pause(5);
              inside--;
            },
            { timeout: "5s" },
          ),
      );
      await world.untilWaiting("k", 3);
      await world.rival.releaseAll();
      await within(3_000, "all waiters to have their turn", Promise.all(calls));
      lockError("LOCK_LOST", await rejection(holder.free()));
    },
  },
]);
