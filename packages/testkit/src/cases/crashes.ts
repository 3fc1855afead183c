import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { assertHistory } from "../history/check.ts";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";

const lease = { scope: "shared", crashRelease: "lease" } as const;
const session = { scope: "shared", crashRelease: "session" } as const;

/** The most that a waiter which is dead or stopped may delay the next, and what it takes to see it. */
const deadWaiter = 10_000 + 1_000;

export const crashCases: readonly ConformanceCase[] = area("crashes", [
  {
    name: "a killed holder's lock passes on when its lease ends",
    requires: lease,
    needs: "processes",
    run: async (world) => {
      const [dying, next] = await Promise.all([world.start(), world.start()]);
      await dying.execute("k", { expire: "1s" }).granted;
      const waiter = next.execute("k", { timeout: "10s" }, 0);
      await dying.kill();
      assert.equal(
        await pendingAfter(300, waiter.granted),
        true,
        "it was granted before the lease had ended",
      );
      await within(3_000, "the lock to pass on", waiter.granted);
      await waiter.outcome;
      assertHistory([...dying.history, ...next.history]);
    },
  },
  {
    name: "a killed holder's lock passes on within 1 s",
    requires: session,
    needs: "processes",
    run: async (world) => {
      const [dying, next] = await Promise.all([world.start(), world.start()]);
      for (const key of ["bare", "contended"]) {
        await dying.execute(key, { expire: "60s" }).granted;
      }
      const waiter = next.execute("contended", { timeout: "10s" }, 0);
      await pause(300);
      await dying.kill();
      await within(1_500, "the lock to pass on", waiter.granted);
      await within(1_500, "the other lock to be free", next.execute("bare", { timeout: "5s" }, 0).granted);
      await waiter.outcome;
      assertHistory([...dying.history, ...next.history]);
    },
  },
  {
    name: "a holder that was stopped past its lease is told LOCK_LOST when it goes on; another got in with a greater token",
    requires: lease,
    needs: "processes",
    run: async (world) => {
      const [stopped, next] = await Promise.all([world.start(), world.start()]);
      const holding = stopped.execute("k", { expire: "1s" });
      const { token } = await holding.granted;
      stopped.stop();
      const waiter = next.execute("k", { timeout: "10s" });
      const later = await within(4_000, "the lock to pass on", waiter.granted);
      if (world.manifest.fencing)
        assert.ok(later.token! > token!, `token ${later.token} came after ${token}`);
      stopped.continue();
      await within(1_500, "lock.signal to abort", holding.aborted);
      await holding.free().catch(() => {});
      const outcome = await holding.outcome;
      assert.equal(outcome.ok, false, "a job that ran unprotected was reported as a success");
      assert.equal(outcome.code, "LOCK_LOST");
      // It let go of nothing that is another's.
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k"));
      await waiter.free();
      assertHistory([...stopped.history, ...next.history]);
    },
  },
  {
    name: "a stopped process keeps its lock: nobody else gets in, and it has lost nothing when it goes on",
    requires: session,
    needs: "processes",
    run: async (world) => {
      const stopped = await world.start();
      const holding = stopped.execute("k", { expire: "1s" });
      await holding.granted;
      stopped.stop();
      await refusal(
        "LOCK_TIMEOUT",
        world.locking.execute("k", () => {}, { timeout: "3s" }),
      );
      stopped.continue();
      await pause(300);
      await holding.free();
      await world.locking.acquire("k");
    },
  },
  {
    name: "a waiter that was killed at the head of the queue delays the next by at most 10 s",
    requires: { scope: "shared" },
    needs: "processes",
    run: async (world) => {
      const dying = await world.start();
      const holder = await world.hold("k");
      dying.execute("k", { timeout: "60s" });
      await world.untilWaiting("k", 1);
      const next = world.hold("k", { timeout: "20s" });
      await world.untilWaiting("k", 2);
      await dying.kill();
      await holder.free();
      await (await within(deadWaiter, "the next waiter to get in", next)).free();
    },
  },
  {
    name: "a waiter that was killed with a claim on many keys blocks none of them longer than 10 s",
    requires: { scope: "shared" },
    needs: "processes",
    run: async (world) => {
      const dying = await world.start();
      await world.hold("a");
      dying.execute(["a", "b"], { timeout: "60s" });
      await world.untilWaiting("a", 1);
      await dying.kill();
      const next = world.hold("b", { timeout: "20s" });
      await (await within(deadWaiter, "the next waiter to get in", next)).free();
    },
  },
  {
    name: "a grant that is handed to a waiter which turns out dead delays the next by at most 10 s, also where it was not to expire",
    requires: { scope: "shared" },
    needs: "processes",
    run: async (world) => {
      const stopped = await world.start();
      const holder = await world.hold("k");
      // It waits for a lock without end; a grant that nobody confirms must end all the same.
      const call = stopped.acquire("k", { awaitQueue: true, timeout: "60s", ownerId: "u" });
      call.catch(() => {});
      await world.untilWaiting("k", 1);
      stopped.stop();
      const next = world.hold("k", { timeout: "20s" });
      await world.untilWaiting("k", 2);
      await holder.free();
      await stopped.kill();
      await (await within(deadWaiter, "the next waiter to get in", next)).free();
    },
  },
  {
    name: "a stopped waiter that goes on finds itself out of the queue or asks again: it neither holds with another nor is lost",
    requires: { scope: "shared" },
    needs: "processes",
    limit: 40_000,
    run: async (world) => {
      const [stopped, next] = await Promise.all([world.start(), world.start()]);
      const holder = await world.hold("k");
      const call = stopped.execute("k", { timeout: "60s" }, 20);
      await world.untilWaiting("k", 1);
      stopped.stop();
      const other = next.execute("k", { timeout: "30s" });
      await world.untilWaiting("k", 2);
      await holder.free();
      await within(deadWaiter, "the next waiter to get in", other.granted);
      stopped.continue();
      assert.equal(await pendingAfter(1_000, call.granted), true, "it held together with another");
      await other.free();
      await within(5_000, "the waiter to have its turn", call.granted);
      assert.deepEqual(await call.outcome, { ok: true, value: undefined });
      assertHistory([...stopped.history, ...next.history]);
    },
  },
]);
