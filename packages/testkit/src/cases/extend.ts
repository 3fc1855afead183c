import type { Duration } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { lockError, refusal } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;

export const extendCases: readonly ConformanceCase[] = area("extend", [
  {
    name: "makes it last for expire from now, be it longer or shorter",
    rival: true,
    run: async ({ locking, rival }) => {
      const longer = await locking.acquire("longer", { ...u, expire: "700ms" });
      const shorter = await locking.acquire("shorter", { ...u, expire: "60s" });
      assert.equal(longer.signal.aborted, false);
      await longer.extend("5s");
      await shorter.extend("150ms");
      assert.ok(
        longer.remaining() > 4_000 && longer.remaining() <= 5_000,
        `remaining() is ${longer.remaining()}`,
      );
      assert.ok(shorter.remaining() <= 150, `remaining() is ${shorter.remaining()}`);
      await pause(850);
      longer.assertHeld();
      assert.equal(longer.signal.aborted, false);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("longer", v));
      await rival.acquire("shorter", v);
    },
  },
  {
    name: "with 0 it takes the expiry away",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ...u, expire: "700ms" });
      await lock.extend(0);
      assert.equal(lock.remaining(), Infinity);
      await pause(850);
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", v));
    },
  },
  {
    name: "works for a lock without an owner as well",
    // Where grants have no token, a handle may have nothing but the owner to name its lock by.
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { expire: "700ms" });
      await lock.extend("5s");
      await pause(850);
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      assert.equal(await lock.release(), true);
    },
  },
  {
    name: "of a lock without an owner it may be LOCK_UNSUPPORTED, but is never another's",
    requires: { fencing: false },
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { expire: "20s" });
      await lock.extend("30s").catch((error: unknown) => lockError("LOCK_UNSUPPORTED", error));
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      assert.equal(await lock.release(), true);
    },
  },
  {
    name: "it checks its argument, and leaves the lock as it is",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: 20 });
      for (const expire of [-1, NaN, Infinity, "5", "soon"] as readonly Duration[]) {
        await refusal("LOCK_INVALID_ARGUMENT", lock.extend(expire));
      }
      assert.ok(lock.remaining() > 15_000);
    },
  },
  {
    name: "of an expired lock it throws LockLostError, and takes nothing",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ...u, expire: "100ms" });
      await pause(250);
      await refusal("LOCK_LOST", lock.extend("60s"));
      await rival.acquire("k", v);
    },
  },
  {
    name: "never extends a later holder's lock",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ...u, expire: "60s" });
      await rival.releaseAll(u);
      await rival.acquire("k", { ...v, expire: "400ms" });
      await refusal("LOCK_LOST", lock.extend("60s"));
      await pause(600);
      await rival.acquire("k", u);
    },
  },
]);
