import { isLockError } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { until } from "../world/bounded.ts";
import { lockError, refusal } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;

export const handleCases: readonly ConformanceCase[] = area("handle", [
  {
    name: "knows its keys and its owner",
    run: async ({ locking }) => {
      const lock = await locking.acquire(["a", "b"], u);
      assert.deepEqual([...lock.keys].sort(), ["a", "b"]);
      assert.equal(lock.ownerId, "u");
      assert.equal((await locking.acquire("c")).ownerId, null);
    },
  },
  {
    name: "remaining() is never more than the truth, and goes down",
    run: async ({ locking }) => {
      const asked = performance.now();
      const lock = await locking.acquire("k", { expire: "2s" });
      const truth = (): number => 2_000 - (performance.now() - asked);
      const first = lock.remaining();
      // Nothing is certain but that the grant came after it was asked for, and before now.
      assert.ok(first > 1_000 && first <= 2_000, `remaining() is ${first}`);
      await pause(200);
      const second = lock.remaining();
      assert.ok(second <= first - 190, `${first} ms, then ${second} ms`);
      // On a busy machine a while may pass before it is sent.
      assert.ok(second <= truth() + 150, `remaining() is ${second}, of at most ${truth()}`);
    },
  },
  {
    name: "remaining() is never more than the backend says",
    requires: { inspect: true },
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: "2s" });
      await pause(50);
      const said = lock.remaining();
      const [state] = await locking.inspect("k");
      // Between the two lies the time that it took to ask, in which the backend's figure only went down.
      assert.ok(
        said <= state!.holders[0]!.remaining + 250,
        `${said} ms, the backend says ${state!.holders[0]!.remaining}`,
      );
    },
  },
  {
    name: "remaining() is Infinity where there is no end",
    run: async ({ locking }) => {
      assert.equal((await locking.acquire("k")).remaining(), Infinity);
    },
  },
  {
    name: "assertHeld() throws LockLostError once the lock has expired, and nothing before",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: "300ms" });
      lock.assertHeld();
      await pause(350);
      assert.throws(
        () => lock.assertHeld(),
        (error) => isLockError(error, "LOCK_LOST") && error.name === "LockLostError",
      );
      assert.equal(lock.remaining(), 0);
    },
  },
  {
    name: "its signal aborts with a LockLostError when its own expire has run out",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: "300ms" });
      assert.equal(lock.signal.aborted, false);
      const start = performance.now();
      await until("lock.signal to abort", () => lock.signal.aborted, 1_000);
      assert.ok(performance.now() - start > 150, "it aborted early");
      lockError("LOCK_LOST", lock.signal.reason);
    },
  },
  {
    name: "it is not renewed in the background",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { expire: "300ms" });
      await pause(600);
      assert.equal(lock.signal.aborted, true);
      await rival.acquire("k");
    },
  },
  {
    name: "release() is idempotent",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire(["a", "b"], u);
      await Promise.all([lock.release(), lock.release()]);
      const later = await rival.acquire(["a", "b"], v);
      await lock.release();
      later.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("a", u));
    },
  },
  {
    name: "release() frees a lock without an owner, and no other such lock",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const first = await locking.acquire("k", { limit: 2 });
      const second = await rival.acquire("k", { limit: 2 });
      assert.equal(await first.release(), true);
      second.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      assert.equal(await second.release(), true);
      await rival.acquire("k");
    },
  },
  {
    name: "release() touches only its own grant: not the lock of who came later",
    rival: true,
    run: async ({ locking, rival }) => {
      const expired = await locking.acquire("a", { ...u, expire: "100ms" });
      const freed = await locking.acquire("b", u);
      await rival.release("b", u);
      await pause(250);
      const later = await rival.acquire(["a", "b"], v);
      assert.equal(await expired.release(), false);
      assert.equal(await freed.release(), false);
      later.assertHeld();
      for (const key of ["a", "b"]) await refusal("LOCK_NOT_ACQUIRED", locking.acquire(key, u));
    },
  },
  {
    name: "release() touches only its own grant: not a later one of the same owner",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const stale = await locking.acquire("k", u);
      await rival.release("k", u);
      const later = await rival.acquire("k", u);
      assert.equal(await stale.release(), false);
      later.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", v));
      await refusal("LOCK_LOST", stale.extend(10));
    },
  },
  {
    name: "after release remaining() is 0, assertHeld() and extend() throw, and signal stays as it was",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: "200ms" });
      const { signal } = lock;
      await lock.release();
      assert.equal(lock.remaining(), 0);
      assert.throws(
        () => lock.assertHeld(),
        (error) => isLockError(error, "LOCK_LOST"),
      );
      await refusal("LOCK_LOST", lock.extend(10));
      await pause(300);
      assert.equal(signal.aborted, false);
      assert.equal(lock.signal.aborted, false);
    },
  },
  {
    name: "Symbol.asyncDispose releases",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k");
      await lock[Symbol.asyncDispose]();
      await rival.acquire("k");
      await lock[Symbol.asyncDispose]();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
    },
  },
  {
    name: "two handles of a re-acquired lock stand for one grant: releasing either releases it",
    rival: true,
    run: async ({ locking, rival }) => {
      for (const which of [0, 1]) {
        const handles = [await locking.acquire("k", u), await rival.acquire("k", u)];
        assert.equal(await handles[which]!.release(), true);
        const other = await rival.acquire("k", v);
        assert.equal(await handles[1 - which]!.release(), false);
        await other.release();
      }
    },
  },
  {
    name: "two handles of a re-acquired lock: each knows only the deadline that it asked for",
    rival: true,
    run: async ({ locking, rival }) => {
      const first = await locking.acquire("k", { ...u, expire: "300ms" });
      const second = await rival.acquire("k", { ...u, expire: "10s" });
      await until("the first handle's signal to abort", () => first.signal.aborted, 1_000);
      second.assertHeld();
      assert.equal(second.signal.aborted, false);
      assert.ok(second.remaining() > 8_000, `remaining() is ${second.remaining()}`);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", v));
    },
  },
  {
    name: "the lock of a job is a handle too: held while it runs, released when it has run",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.execute(["a", "b"], (held) => {
        held.assertHeld();
        assert.deepEqual([...held.keys].sort(), ["a", "b"]);
        assert.equal(held.ownerId, null);
        assert.ok(held.remaining() > 0);
        assert.equal(held.signal.aborted, false);
        return held;
      });
      assert.equal(lock.remaining(), 0);
      assert.throws(() => lock.assertHeld());
      assert.equal(lock.signal.aborted, false);
      await rival.acquire(["a", "b"], u);
      await lock.release().catch((error: unknown) => lockError("LOCK_UNSUPPORTED", error));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a", v));
    },
  },
]);
