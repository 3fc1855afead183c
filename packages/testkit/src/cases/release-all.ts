import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { lockError, refusal, rejection } from "../world/rejection.ts";

const u = { ownerId: "u" } as const;
const v = { ownerId: "v" } as const;

export const releaseAllCases: readonly ConformanceCase[] = area("releaseAll", [
  {
    name: "frees every lock of the owner, wherever it was taken, and resolves with nothing",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["a", "b"], u);
      await rival.acquire("c", { ...u, expire: 60 });
      assert.equal(await locking.releaseAll(u), undefined);
      await rival.acquire(["a", "b", "c"], v);
      assert.equal(await locking.release("a", u), false);
    },
  },
  {
    name: "frees what an owner made last longer than it asked for at first",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("again", { ...u, expire: "300ms" });
      await rival.acquire("again", { ...u, expire: "60s" });
      const extended = await locking.acquire("extended", { ...u, expire: "300ms" });
      await extended.extend("60s");
      const endless = await locking.acquire("endless", { ...u, expire: "300ms" });
      await endless.extend(0);
      // Whatever is kept to find them by must not end with what they were to last at first.
      await pause(2_000);
      await rival.releaseAll(u);
      await rival.acquire(["again", "extended", "endless"], v);
    },
  },
  {
    name: "frees nothing of another owner's, nor what is held without one, nor what a job holds",
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      await locking.acquire("mine", u);
      const others = [await locking.acquire("theirs", v), await locking.acquire("nobody's")];
      const job = await world.hold("job's");
      await rival.releaseAll(u);
      for (const key of ["theirs", "nobody's", "job's"])
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key, u));
      for (const lock of [...others, job.lock]) lock.assertHeld();
      await rival.acquire("mine");
      await job.free();
    },
  },
  {
    name: "of a semaphore it frees the owner's permit alone",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k", { limit: 2, ...u });
      await locking.acquire("k", { limit: 2, ...v });
      await rival.releaseAll(u);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      await rival.acquire("k", { limit: 2 });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { limit: 2, ...u }));
    },
  },
  {
    name: "frees no later holder's lock of what the owner held until its lease ended",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("kept", u);
      await locking.acquire("passed on", { ...u, expire: "200ms" });
      await locking.acquire("taken by a job", { ...u, expire: "200ms" });
      const waiting = { awaitQueue: true, timeout: "5s" } as const;
      const later = await rival.acquire("passed on", { ...v, ...waiting });
      await rival.execute("taken by a job", async () => await locking.releaseAll(u), { timeout: "5s" });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("passed on", u));
      assert.equal(await later.release(), true);
      await rival.acquire("kept", v);
    },
  },
  {
    name: "without an owner it frees every lock in the namespace, execute's included",
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      for (const args of [undefined, {}, { ownerId: null }]) {
        await locking.acquire("a", u);
        await rival.acquire("b");
        const job = await world.hold("c");
        assert.equal(await rival.releaseAll(args), undefined);
        const lock = await locking.acquire(["a", "b", "c"], v);
        await lock.release();
        lockError("LOCK_LOST", await rejection(job.free()));
      }
    },
  },
  {
    name: "and only there",
    requires: { scope: "shared" },
    run: async ({ namespace, locking, connect }) => {
      const near = await connect({ namespace: `${namespace}:` });
      const like = await connect({ namespace: `${namespace.slice(0, -1)}_` });
      await near.acquire("k", u);
      await like.acquire("k");
      await locking.releaseAll();
      await locking.releaseAll(u);
      await refusal("LOCK_NOT_ACQUIRED", near.acquire("k", v));
      await refusal("LOCK_NOT_ACQUIRED", like.acquire("k", v));
      await near.releaseAll();
      await like.releaseAll();
    },
  },
  {
    name: "an ownerId that is written but undefined is an error, and frees nothing",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a", u);
      await locking.acquire("b");
      await refusal("LOCK_INVALID_ARGUMENT", rival.releaseAll({ ownerId: undefined }));
      for (const key of ["a", "b"]) await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key, v));
    },
  },
  {
    name: "an owner is a name, no pattern",
    rival: true,
    run: async ({ locking, rival }) => {
      for (const ownerId of ["user1", "user2", "a:b"]) await locking.acquire(`of ${ownerId}`, { ownerId });
      for (const ownerId of ["*", "user*", "user?", "user[12]", "%", "user_", "user", "a", "b", "USER1"]) {
        await rival.releaseAll({ ownerId });
      }
      for (const ownerId of ["user1", "user2", "a:b"])
        assert.equal(await rival.release(`of ${ownerId}`, { ownerId }), true);
    },
  },
  {
    name: "lets those in that wait",
    rival: true,
    run: async (world) => {
      await world.locking.acquire("a", u);
      await world.locking.acquire("b");
      const owners = world.hold("a", { timeout: "5s" }, world.rival);
      const nobodys = world.hold("b", { timeout: "5s" }, world.rival);
      await world.untilWaiting("a", 1);
      await world.untilWaiting("b", 1);
      await world.locking.releaseAll(u);
      await (await owners).free();
      await world.locking.releaseAll();
      await (await nobodys).free();
    },
  },
  {
    name: "a wait is no lock: it goes on",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiter = world.rival.acquire("k", { ...u, awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("k", 1);
      await world.locking.releaseAll(u);
      await holder.free();
      (await waiter).assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k", v));
    },
  },
  {
    name: "with nothing to free it is no error, and what is free stays free",
    run: async ({ locking }) => {
      await locking.releaseAll();
      await locking.releaseAll(u);
      await locking.acquire("k", u);
    },
  },
  {
    name: "frees three hundred locks at once, and what is acquired afterwards is held",
    rival: true,
    run: async ({ locking, rival }) => {
      const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
      await Promise.all(keys.map(async (key) => await locking.acquire(key, u)));
      await rival.releaseAll(u);
      await Promise.all(keys.map(async (key) => await rival.acquire(key, v)));
      await rival.releaseAll(u);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k0", u));
      await rival.releaseAll(v);
    },
  },
]);
