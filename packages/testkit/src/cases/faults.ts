import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, until, within } from "../world/bounded.ts";
import { lockError, refusal, rejection } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;
const never = (): void => assert.fail("the job ran");

export const faultCases: readonly ConformanceCase[] = area("faults", [
  {
    name: "a backend that can't be reached is LOCK_UNAVAILABLE to every call, never held by someone else",
    needs: "proxy",
    limit: 25_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      await world.locking.acquire("k", u);
      await locking.acquire("other", u);
      await proxy.refuse();
      proxy.cut();
      const calls = [
        locking.acquire("k"),
        locking.acquire("free", { awaitQueue: true, timeout: "1500ms" }),
        locking.execute("free", never, { timeout: "1500ms" }),
        locking.release("k", u),
        locking.releaseAll(u),
        ...(world.manifest.inspect ? [locking.inspect("k")] : []),
      ].map(async (call) => await refusal("LOCK_UNAVAILABLE", call));
      await within(20_000, "every call to end", Promise.all(calls));
      assert.equal(await world.locking.release(["k", "other"], u), true);
    },
  },
  {
    name: "a waiter whose time is up while the backend is away is told LOCK_UNAVAILABLE, and never granted later",
    needs: "proxy",
    limit: 15_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const holder = await world.hold("k");
      // Long enough for it to have looked for itself.
      const call = refusal("LOCK_UNAVAILABLE", locking.execute("k", never, { timeout: "5500ms" }));
      await world.untilWaiting("k", 1);
      await proxy.refuse();
      proxy.cut();
      await call;
      await proxy.restore();
      await holder.free();
      await world.hold("k", { timeout: "10s" });
    },
  },
  {
    name: "once the backend is back, calls succeed again without anyone's doing",
    needs: "proxy",
    limit: 25_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      await proxy.refuse();
      proxy.cut();
      await refusal("LOCK_UNAVAILABLE", locking.execute("k", never, { timeout: "300ms" }));
      await proxy.restore();
      assert.equal(await locking.execute("k", () => "ran", { timeout: "10s" }), "ran");
    },
  },
  {
    name: "a reply that is lost takes nothing twice: the grant that nobody heard of is found again, or given back",
    needs: "proxy",
    requires: { limits: true },
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      await locking.execute("k", () => {}, { limit: 2 });
      const lost = proxy.loseReply();
      const lock = await locking
        .acquire("k", { limit: 2 })
        .catch((error: unknown) => void lockError("LOCK_UNAVAILABLE", error));
      await lost;
      const waiting = { limit: 2, awaitQueue: true, timeout: "5s" } as const;
      await world.locking.acquire("k", waiting);
      if (lock === undefined) await world.locking.acquire("k", waiting);
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", { limit: 2 }));
      lock?.assertHeld();
    },
  },
  {
    name: "a job whose grant's reply was lost runs once, and its key is free afterwards",
    needs: "proxy",
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      await locking.execute("k", () => {});
      let runs = 0;
      const lost = proxy.loseReply();
      await locking
        .execute("k", () => void runs++, { timeout: "8s" })
        .then(
          () => assert.equal(runs, 1),
          (error: unknown) => lockError("LOCK_UNAVAILABLE", error),
        );
      await lost;
      await world.locking.execute("k", () => {}, { timeout: "5s" });
    },
  },
  {
    name: "a release by owner whose reply was lost is LOCK_UNAVAILABLE, and never repeated: it could free a newer lock",
    needs: "proxy",
    limit: 15_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      await locking.acquire("k", u);
      const lost = proxy.loseReply();
      const call = refusal("LOCK_UNAVAILABLE", locking.release("k", u));
      await lost;
      const newer = await world.locking.acquire("k", u);
      await call;
      await pause(1_000);
      newer.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", v));
    },
  },
  {
    name: "a release() that was LOCK_UNAVAILABLE may be called again, and frees the lock then",
    needs: "proxy",
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const lock = await locking.acquire("k", u);
      await proxy.refuse();
      proxy.cut();
      await refusal("LOCK_UNAVAILABLE", lock.release());
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", v));
      await proxy.restore();
      // It need not be connected at once.
      const isReleased = async (): Promise<boolean> =>
        await lock.release().then(
          () => true,
          (error: unknown) => lockError("LOCK_UNAVAILABLE", error) === undefined,
        );
      await until("release() to reach the backend", isReleased, 10_000);
      await world.locking.acquire("k", v);
    },
  },
  {
    name: "a release that can't be delivered after the job is done is left to the lease: the job's result is not thrown away",
    needs: "proxy",
    requires: { crashRelease: "lease" },
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const job = async (): Promise<string> => {
        await proxy.refuse();
        proxy.cut();
        return "done";
      };
      assert.equal(await locking.execute("k", job, { expire: "4s" }), "done");
      await (await within(6_000, "the lease to end", world.hold("k", { timeout: "10s" }))).free();
    },
  },
  {
    name: "a wake-up that is lost costs at most 5 s, never a turn",
    needs: "proxy",
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const holder = await world.hold("k");
      const waiter = world.hold("k", { timeout: "15s" }, locking);
      await world.untilWaiting("k", 1);
      await proxy.refuse();
      proxy.cut();
      await holder.free();
      await pause(300);
      await proxy.restore();
      await (await within(6_000, "the waiter to get in", waiter)).free();
    },
  },
  {
    name: "a holder that can't reach the backend is told before another gets in, and LOCK_LOST is what its job comes to",
    needs: "proxy",
    requires: { crashRelease: "lease" },
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const cutOff = await world.hold("k", { expire: "1500ms" }, locking);
      proxy.stall();
      const next = world.hold("k", { timeout: "10s" });
      await next;
      assert.equal(cutOff.lock.remaining(), 0, "another got in while it believed in its lock");
      await until("its signal to abort", () => cutOff.lock.signal.aborted, 100);
      lockError("LOCK_LOST", cutOff.lock.signal.reason);
      proxy.cut();
      lockError("LOCK_LOST", await rejection(cutOff.free()));
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k"));
    },
  },
  {
    name: "a job whose connection is cut for a moment goes on, and nobody gets in meanwhile",
    needs: "proxy",
    requires: { crashRelease: "lease" },
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const job = await world.hold("k", { expire: "3s" }, locking);
      const next = world.hold("k", { timeout: "15s" });
      proxy.cut();
      assert.equal(await pendingAfter(5_000, next), true, "another got in");
      assert.equal(job.lock.signal.aborted, false);
      await job.free();
      await next;
    },
  },
  {
    name: "a holder whose session ends is told LOCK_LOST, and the lock passes on",
    needs: "proxy",
    requires: { crashRelease: "session" },
    limit: 20_000,
    run: async (world) => {
      const { locking, proxy } = await world.behindProxy();
      const job = await world.hold("k", {}, locking);
      const next = world.hold("k", { timeout: "10s" });
      await pause(200);
      proxy.cut();
      await within(2_000, "the lock to pass on", next);
      await until("its signal to abort", () => job.lock.signal.aborted, 2_000);
      lockError("LOCK_LOST", await rejection(job.free()));
    },
  },
]);
