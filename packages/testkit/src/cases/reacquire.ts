import type { Lock } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";
import type { World } from "../world/world.ts";

const u = { ownerId: "u" } as const;

export const reacquireCases: readonly ConformanceCase[] = area("reacquire", [
  {
    name: "keys that the same owner holds are granted again",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["a", "b"], u);
      const again = await rival.acquire(["b", "a"], u);
      again.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("a", { ownerId: "v" }));
    },
  },
  {
    name: "granted again in place, the fencing token stays",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const first = await locking.acquire(["a", "b"], u);
      assert.equal((await rival.acquire(["a", "b"], u)).fencingToken, first.fencingToken);
      assert.equal(
        (await locking.acquire(["b", "a"], { ...u, expire: 30 })).fencingToken,
        first.fencingToken,
      );
    },
  },
  {
    name: "held under two grants they are granted again as one, whose release frees all of it",
    rival: true,
    run: async ({ locking, rival, manifest }) => {
      const parts = [await locking.acquire("a", u), await rival.acquire("b", u)];
      const both = await rival.acquire(["b", "a"], u);
      both.assertHeld();
      if (manifest.fencing)
        for (const { fencingToken } of parts) assert.ok(both.fencingToken >= fencingToken);
      assert.equal(await both.release(), true);
      await locking.acquire(["a", "b"], { ownerId: "v" });
    },
  },
  {
    name: "the expiry starts anew from now with the given expire, be it longer or shorter",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("longer", { ...u, expire: "300ms" });
      await rival.acquire("longer", { ...u, expire: "5s" });
      await locking.acquire("shorter", { ...u, expire: "60s" });
      await rival.acquire("shorter", { ...u, expire: "200ms" });
      await pause(500);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("longer", { ownerId: "v" }));
      await locking.acquire("shorter", { ownerId: "v" });
    },
  },
  {
    name: "with an expire of 0 it never expires again",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { ...u, expire: "250ms" });
      const lock = await rival.acquire("k", { ...u, expire: 0 });
      assert.equal(lock.remaining(), Infinity);
      await pause(450);
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { ownerId: "v" }));
    },
  },
  {
    name: "without expire, an expiry is left as it is",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { ...u, expire: "400ms" });
      await rival.acquire("k", u);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { ownerId: "v" }));
      await pause(600);
      await locking.acquire("k", { ownerId: "v" });
    },
  },
  {
    name: "without expire, a lock that has none still has none",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", u);
      assert.equal((await rival.acquire("k", u)).remaining(), Infinity);
    },
  },
  {
    name: "held with another limit: refused",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire("k", { ...u, limit: 2 });
      for (const limit of [1, 3, Infinity])
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { ...u, limit }));
      lock.assertHeld();
      await rival.acquire("k", { ...u, limit: 2 });
    },
  },
  {
    name: "granted again at once, though others wait for the key",
    rival: true,
    run: async (world) => {
      await world.locking.acquire("k", u);
      const waiter = world.hold("k", { timeout: "5s" }, world.rival);
      await world.untilWaiting("k", 1);
      await within(1_000, "its owner to be granted again", world.rival.acquire("k", u));
      assert.equal(await pendingAfter(20, waiter), true);
      await world.locking.release("k", u);
      await (await waiter).free();
    },
  },
  {
    name: "some held, some not: when the rest is had, all of them are held",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a", u);
      const both = await rival.acquire(["a", "b"], u);
      both.assertHeld();
      for (const key of ["a", "b"])
        await refusal("LOCK_NOT_ACQUIRED", locking.acquire(key, { ownerId: "v" }));
      assert.equal(await both.release(), true);
      await locking.acquire(["a", "b"], { ownerId: "v" });
    },
  },
  {
    name: "some held, some not: all become one new grant with a new token, and the earlier handle is superseded",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const first = await locking.acquire("a", u);
      const both = await rival.acquire(["a", "b"], u);
      assert.ok(both.fencingToken > first.fencingToken);
      assert.equal(await first.release(), false, "the earlier handle freed the new grant");
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("a", { ownerId: "v" }));
      both.assertHeld();
    },
  },
  {
    name: "some held, some not, and the rest is busy: refused, and what was held stays held",
    rival: true,
    run: async ({ locking, rival }) => {
      const mine = await locking.acquire("a", u);
      await rival.acquire("b", { ownerId: "v" });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire(["a", "b"], u));
      mine.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a", { ownerId: "v" }));
      assert.equal(await mine.release(), true);
    },
  },
  {
    name: "some held, some not: meanwhile it queues only for what it lacks",
    requires: { fifo: true, inspect: true },
    rival: true,
    run: async (world) => {
      await world.locking.acquire("a", u);
      const rest = await world.rival.acquire("b", { ownerId: "v" });
      const call = world.locking.acquire(["a", "b"], { ...u, awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("b", 1);
      const [a] = await world.rival.inspect("a");
      assert.equal(a?.waiting, 0);
      assert.equal(a?.holders[0]?.ownerId, "u");
      await rest.release();
      await call;
      await refusal("LOCK_NOT_ACQUIRED", world.rival.acquire("a", { ownerId: "v" }));
    },
  },
  {
    name: "some held, some not: who stands behind it in the queue of what it has gets in as soon as there is room",
    requires: { fifo: true, limits: true },
    rival: true,
    // Not as it looks for itself, which it does every 3 s.
    run: async (world) => await behindOwner(world, 2_000, async (theirs) => await theirs.release()),
  },
  {
    name: "some held, some not: a lease that comes to end sooner passes on within 1 s to who stands behind it",
    requires: { fifo: true, limits: true },
    rival: true,
    run: async (world) => await behindOwner(world, 1_500, async (theirs) => await theirs.extend("500ms")),
  },
  {
    name: "some held, some not: a claim that times out gives back only what it added",
    rival: true,
    run: async ({ locking, rival }) => {
      const mine = await locking.acquire("a", u);
      const rest = await rival.acquire("b", { ownerId: "v" });
      await refusal(
        "LOCK_TIMEOUT",
        locking.acquire(["a", "b"], { ...u, awaitQueue: true, timeout: "300ms" }),
      );
      mine.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a", { ownerId: "v" }));
      await rest.release();
      await rival.acquire("b", { ownerId: "w" });
      assert.equal(await mine.release(), true);
    },
  },
  {
    name: "some held, some not: however a release and a time-out fall together, nothing that was held before is lost",
    rival: true,
    run: async ({ locking, rival }) => {
      const rounds = Array.from({ length: 16 }, async (_, round) => {
        const [held, lacking] = [`a${round}`, `b${round}`];
        await locking.acquire(held, u);
        const rest = await rival.acquire(lacking, { ownerId: "v" });
        const call = locking.acquire([held, lacking], { ...u, awaitQueue: true, timeout: "60ms" }).then(
          () => true,
          () => false,
        );
        await pause(52 + round);
        await rest.release();
        const both = await call;
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(held, { ownerId: "v" }));
        const waiting = { ownerId: "v", awaitQueue: true, timeout: "2s" } as const;
        if (both) await refusal("LOCK_NOT_ACQUIRED", rival.acquire(lacking, { ownerId: "v" }));
        else await rival.acquire(lacking, waiting);
        assert.equal(await locking.release(both ? [held, lacking] : held, u), true);
      });
      await Promise.all(rounds);
    },
  },
  {
    name: "owners that wait while they hold block one another until their time is up, and lose nothing",
    rival: true,
    run: async ({ locking, rival }) => {
      const a = await locking.acquire("a", u);
      const b = await rival.acquire("b", { ownerId: "v" });
      const waiting = { awaitQueue: true, timeout: "300ms" } as const;
      await Promise.all([
        refusal("LOCK_TIMEOUT", locking.acquire(["a", "b"], { ...u, ...waiting })),
        refusal("LOCK_TIMEOUT", rival.acquire(["a", "b"], { ownerId: "v", ...waiting })),
      ]);
      a.assertHeld();
      b.assertHeld();
      assert.equal(await a.release(), true);
      assert.equal(await b.release(), true);
    },
  },
  {
    name: "two calls of one owner that wait for the same key both get it, and one release frees it",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiting = { ...u, awaitQueue: true, timeout: "5s" } as const;
      const calls = [world.locking.acquire("k", waiting), world.rival.acquire("k", waiting)];
      await world.untilWaiting("k", 2);
      await holder.free();
      const [one, two] = await Promise.all(calls);
      if (world.manifest.fencing) assert.equal(one?.fencingToken, two?.fencingToken);
      assert.equal(await world.locking.release("k", u), true);
      await world.rival.acquire("k", { ownerId: "v" });
    },
  },
  {
    name: "what its owner comes to hold is granted in place at once to who waits for it, also from behind others",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiting = { awaitQueue: true, timeout: "5s" } as const;
      const first = world.locking.acquire("k", { ...waiting, ownerId: "u" });
      await world.untilWaiting("k", 1);
      const between = world.locking.acquire("k", { ...waiting, ownerId: "v" });
      await world.untilWaiting("k", 2);
      const again = world.rival.acquire("k", { ...waiting, ownerId: "u" });
      await world.untilWaiting("k", 3);
      await holder.free();
      await within(1_000, "both of the owner's to be granted", Promise.all([first, again]));
      assert.equal(await pendingAfter(20, between), true);
      await world.locking.release("k", u);
      await between;
    },
  },
]);

/** Who stands behind a claim whose owner has the key is to get in once the other lock on it comes to its end. */
async function behindOwner(
  world: World,
  time: number,
  end: (theirs: Lock) => Promise<unknown>,
): Promise<void> {
  const { locking, rival } = world;
  const two = { limit: 2 } as const;
  await locking.acquire("a", { ...two, ...u });
  const theirs = await rival.acquire("a", { ...two, ownerId: "v" });
  const rest = await rival.acquire("b", { ownerId: "v" });
  const both = locking.acquire(["a", "b"], { ...two, ...u, awaitQueue: true, timeout: "5s" });
  await world.untilWaiting("b", 1);
  const behind = world.hold("a", { ...two, timeout: "5s" }, rival);
  await world.untilWaiting("a", 1);
  await end(theirs);
  await (await within(time, "the one behind to get in", behind)).free();
  await rest.release();
  (await both).assertHeld();
}
