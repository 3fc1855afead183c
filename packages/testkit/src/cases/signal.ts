import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { within } from "../world/bounded.ts";
import { refusal, rejection } from "../world/rejection.ts";

export const signalCases: readonly ConformanceCase[] = area("signal", [
  {
    name: "ends the waiting at once, with signal.reason itself",
    rival: true,
    run: async (world) => {
      await world.hold("k");
      for (const reason of [new Error("enough"), "a string", undefined]) {
        for (const kind of ["execute", "acquire"] as const) {
          const abort = new AbortController();
          const { signal } = abort;
          const call =
            kind === "execute"
              ? world.rival.execute("k", () => assert.fail("the job ran"), { signal, timeout: "5s" })
              : world.rival.acquire("k", { signal, timeout: "5s", awaitQueue: true });
          await world.untilWaiting("k", 1);
          abort.abort(reason);
          assert.equal(await within(1_000, "the call to end", rejection(call)), signal.reason);
          await world.untilWaiting("k", 0);
        }
      }
    },
  },
  {
    name: "aborted already, it ends the waiting before it begins",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const reason = new Error("too late");
      const args = { signal: AbortSignal.abort(reason), timeout: "5s" } as const;
      const call = world.rival.execute("k", () => assert.fail("the job ran"), args);
      assert.equal(await within(1_000, "the call to end", rejection(call)), reason);
      assert.equal(
        await within(
          1_000,
          "the call to end",
          rejection(world.rival.acquire("k", { ...args, awaitQueue: true })),
        ),
        reason,
      );
      await holder.free();
      await world.rival.acquire("k");
    },
  },
  {
    name: "once a job runs it is the job's business",
    run: async ({ locking }) => {
      const abort = new AbortController();
      const result = await locking.execute(
        "k",
        async (lock) => {
          abort.abort();
          await new Promise((resolve) => setTimeout(resolve, 30));
          assert.equal(lock.signal.aborted, false);
          lock.assertHeld();
          return "done";
        },
        { signal: abort.signal },
      );
      assert.equal(result, "done");
    },
  },
  {
    name: "once acquire has resolved it is without meaning",
    rival: true,
    run: async ({ locking, rival }) => {
      const abort = new AbortController();
      const lock = await locking.acquire("k", { signal: abort.signal });
      abort.abort();
      lock.assertHeld();
      assert.equal(lock.signal.aborted, false);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
    },
  },
  {
    name: "no listener is left on it, however the waiting ended",
    rival: true,
    run: async (world) => {
      const { signal } = new AbortController();
      const holder = await world.hold("k");
      await refusal(
        "LOCK_TIMEOUT",
        world.rival.execute("k", () => {}, { signal, timeout: "300ms" }),
      );
      await refusal("LOCK_NOT_ACQUIRED", world.rival.acquire("k", { signal }));
      const waiter = world.rival.execute("k", () => {}, { signal, timeout: "5s" });
      await world.untilWaiting("k", 1);
      await holder.free();
      await waiter;
      await world.rival.acquire("free", { signal });
      assert.equal(getEventListeners(signal, "abort").length, 0);
    },
  },
  {
    name: "however an abort and a release fall together, the key is free afterwards",
    rival: true,
    run: async (world) => {
      const rounds = Array.from({ length: 24 }, async (_, round) => {
        const key = `k${round}`;
        const lock = await world.locking.acquire(key);
        const abort = new AbortController();
        let ran = false;
        const call = world.rival
          .execute(key, () => (ran = true), { timeout: "5s", signal: abort.signal })
          .then(
            () => true,
            () => false,
          );
        await world.untilWaiting(key, 1);
        const released = lock.release();
        for (let turn = 0; turn < round % 8; turn++) await new Promise(setImmediate);
        abort.abort();
        await released;
        assert.equal(await call, ran, "it was reported otherwise than it went");
        await within(
          2_000,
          "the key to be free",
          world.locking.execute(key, () => {}, { timeout: "2s" }),
        );
      });
      await Promise.all(rounds);
    },
  },
]);
