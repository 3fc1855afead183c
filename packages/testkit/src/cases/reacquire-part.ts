import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;

/** What becomes of the keys of one lock that its owner asks for in other company, or without the others. */
export const reacquirePartCases: readonly ConformanceCase[] = area("reacquire", [
  {
    name: "some of the keys of a lock are granted again in place: the fencing token stays, and so do the other keys",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const whole = await locking.acquire(["a", "b"], u);
      const part = await rival.acquire("a", u);
      assert.equal(part.fencingToken, whole.fencingToken);
      for (const key of ["a", "b"]) await refusal("LOCK_NOT_ACQUIRED", locking.acquire(key, v));
      assert.equal(await locking.release(["a", "b"], u), true);
      await rival.acquire(["a", "b"], v);
    },
  },
  {
    name: "some held, some not: what was held beside them stays held, and is not released with them",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["a", "b"], u);
      const later = await rival.acquire(["b", "c"], u);
      for (const key of ["a", "b", "c"]) await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key, v));
      assert.equal(await later.release(), true);
      await rival.acquire(["b", "c"], v);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a", v));
      assert.equal(await locking.release("a", u), true);
    },
  },
  {
    name: "some held, some not: the earlier handle is superseded, and extends nothing",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const first = await locking.acquire("a", u);
      await rival.acquire(["a", "b"], { ...u, expire: "500ms" });
      await refusal("LOCK_LOST", first.extend("60s"));
      await pause(700);
      await locking.acquire(["a", "b"], v);
    },
  },
]);
