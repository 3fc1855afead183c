import type { Lock } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { until, within } from "../world/bounded.ts";
import { deferred } from "../world/deferred.ts";
import { lockError, refusal, rejection } from "../world/rejection.ts";

export const closeCases: readonly ConformanceCase[] = area("close", [
  {
    name: "is idempotent",
    run: async ({ locking }) => {
      await locking.acquire("k");
      await Promise.all([locking.close(), locking.close()]);
      assert.equal(await locking.close(), undefined);
    },
  },
  {
    name: "works on a service that was never used",
    run: async ({ connect }) => {
      await within(2_000, "close() to resolve", (await connect()).close());
    },
  },
  {
    name: "new calls get LOCK_CLOSED",
    run: async ({ locking, manifest }) => {
      await locking.close();
      await refusal(
        "LOCK_CLOSED",
        locking.execute("k", () => assert.fail("the job ran")),
      );
      await refusal("LOCK_CLOSED", locking.acquire("k"));
      await refusal("LOCK_CLOSED", locking.release("k"));
      await refusal("LOCK_CLOSED", locking.releaseAll());
      if (manifest.inspect) await refusal("LOCK_CLOSED", locking.inspect("k"));
    },
  },
  {
    name: "new calls get LOCK_CLOSED while jobs still run",
    run: async (world) => {
      const job = await world.hold("k");
      const closed = world.locking.close();
      await refusal("LOCK_CLOSED", world.locking.acquire("other"));
      await job.free();
      await closed;
    },
  },
  {
    name: "waiters end with LOCK_CLOSED",
    run: async (world) => {
      const job = await world.hold("k");
      const waiters = [
        world.locking.execute("k", () => assert.fail("the job ran"), { timeout: Infinity }),
        world.locking.acquire("k", { awaitQueue: true, timeout: "30s" }),
      ].map(async (call) => lockError("LOCK_CLOSED", await rejection(call)));
      await world.untilWaiting("k", 2);
      const closed = world.locking.close();
      await within(1_000, "the waiters to end", Promise.all(waiters));
      await job.free();
      await closed;
    },
  },
  {
    name: "waiters leave no place in the queue",
    requires: { scope: "shared" },
    run: async (world) => {
      const other = await world.connect();
      const job = await world.hold("k", {}, other);
      const waiter = rejection(world.locking.execute(["k", "l"], () => {}, { timeout: Infinity }));
      await pause(100);
      await world.locking.close();
      await waiter;
      await other.acquire("l");
      await job.free();
      await within(
        1_000,
        "the key to be free",
        other.execute("k", () => {}),
      );
    },
  },
  {
    name: "running jobs may finish: their lock is held until then, and their result handed on",
    run: async ({ locking }) => {
      const started = deferred();
      const call = locking.execute(
        "k",
        async (lock) => {
          started.resolve();
          await pause(1_400);
          lock.assertHeld();
          assert.equal(lock.signal.aborted, false);
          return "done";
        },
        { expire: "900ms" },
      );
      await started.promise;
      const closed = locking.close();
      assert.equal(await call, "done");
      await within(2_000, "close() to resolve", closed);
    },
  },
  {
    name: "what a job held is free when close() has resolved",
    requires: { scope: "shared" },
    run: async (world) => {
      const other = await world.connect();
      const job = await world.hold("k");
      const closed = world.locking.close();
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k"));
      await job.free();
      await closed;
      await other.acquire("k");
    },
  },
  {
    name: "when drain is over, the signals of the jobs that still run abort with LOCK_CLOSED",
    run: async (world) => {
      const job = await world.hold("k", { expire: "5s" });
      const { signal } = job.lock;
      const closed = world.locking.close({ drain: "500ms" });
      await pause(30);
      assert.equal(signal.aborted, false);
      await until("the signal to abort", () => signal.aborted, 2_000);
      lockError("LOCK_CLOSED", signal.reason);
      await job.free().catch(() => {});
      await within(3_000, "close() to resolve", closed);
    },
  },
  {
    name: "a lock is never freed under a running job: its lease frees it",
    requires: { scope: "shared", crashRelease: "lease" },
    run: async (world) => {
      const other = await world.connect();
      const job = await world.hold("k", { expire: "1500ms" });
      await world.locking.close({ drain: "0ms" });
      await pause(300);
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k"));
      await within(
        3_000,
        "the lease to end",
        other.execute("k", () => {}, { timeout: "3s" }),
      );
      // It ran unprotected; whether it is told of the loss or of the closing is open.
      await rejection(job.free());
    },
  },
  {
    name: "a lock is never freed under a running job: its connection stays open until the job settles",
    requires: { scope: "shared", crashRelease: "session" },
    run: async (world) => {
      const other = await world.connect();
      const job = await world.hold("k");
      const closed = world.locking.close({ drain: "0ms" });
      await pause(500);
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k"));
      await job.free().catch(() => {});
      await closed;
      await within(
        2_000,
        "the lock to be free",
        other.execute("k", () => {}, { timeout: "2s" }),
      );
    },
  },
  {
    name: "what acquire took stays",
    requires: { scope: "shared" },
    run: async (world) => {
      const service = await world.connect();
      await service.acquire("k", { ownerId: "u" });
      await service.close();
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", { ownerId: "v" }));
      assert.equal(await world.locking.release("k", { ownerId: "u" }), true);
    },
  },
  {
    name: "Symbol.asyncDispose closes",
    run: async ({ locking }) => {
      await locking[Symbol.asyncDispose]();
      await refusal("LOCK_CLOSED", locking.acquire("k"));
    },
  },
  {
    name: "a handle of a closed service says LOCK_CLOSED rather than that it released",
    requires: { scope: "shared" },
    run: async (world) => {
      const service = await world.connect();
      const lock: Lock = await service.acquire("k", { ownerId: "u" });
      await service.close();
      await refusal("LOCK_CLOSED", lock.extend(10));
      await refusal("LOCK_CLOSED", lock.release());
      assert.equal(await world.locking.release("k", { ownerId: "u" }), true);
    },
  },
  {
    name: "a lazy service connects with its first use, and closes also without one",
    run: async ({ connect }) => {
      const service = await connect({ lazy: true });
      assert.equal(await service.execute("k", () => "ran"), "ran");
      await service.close();
      await (await connect({ lazy: true })).close();
    },
  },
]);
