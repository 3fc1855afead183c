import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";

const never = (): void => assert.fail("the job ran");

export const timeoutCases: readonly ConformanceCase[] = area("timeout", [
  {
    name: "a string is taken at its word: it waits that long, then LOCK_TIMEOUT",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      for (const wait of [
        async () => await refusal("LOCK_TIMEOUT", rival.execute("k", never, { timeout: "300ms" })),
        async () => await refusal("LOCK_TIMEOUT", rival.acquire("k", { awaitQueue: true, timeout: "0.3s" })),
      ]) {
        const start = performance.now();
        await within(2_000, "LOCK_TIMEOUT", wait());
        const waited = performance.now() - start;
        assert.ok(waited >= 295, `it waited ${waited} ms`);
      }
    },
  },
  {
    name: `"0ms" is one try`,
    rival: true,
    run: async ({ locking, rival }) => {
      assert.equal(await rival.execute("k", () => "ran", { timeout: "0ms" }), "ran");
      const lock = await rival.acquire("k", { awaitQueue: true, timeout: "0ms" });
      await within(
        1_000,
        "LOCK_TIMEOUT",
        refusal("LOCK_TIMEOUT", locking.execute("k", never, { timeout: "0ms" })),
      );
      await within(
        1_000,
        "LOCK_TIMEOUT",
        refusal("LOCK_TIMEOUT", locking.acquire("k", { awaitQueue: true, timeout: "0ms" })),
      );
      await lock.release();
    },
  },
  {
    name: "a number is seconds",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      const start = performance.now();
      await within(3_000, "LOCK_TIMEOUT", refusal("LOCK_TIMEOUT", rival.execute("k", never, { timeout: 1 })));
      const waited = performance.now() - start;
      assert.ok(waited >= 995, `it waited ${waited} ms`);
    },
  },
  {
    name: "a number below 1 means the provider's default, as does none",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const calls = [undefined, 0, 0.01, 0.5].map(
        async (timeout) => await world.rival.execute("k", () => "ran", { timeout }),
      );
      assert.equal(await pendingAfter(900, Promise.race(calls)), true);
      await holder.free();
      assert.deepEqual(await Promise.all(calls), ["ran", "ran", "ran", "ran"]);
    },
  },
  {
    name: "the provider's default is a time that ends: LOCK_TIMEOUT after waitLockingTimeout, 5 s where nothing else is set",
    rival: true,
    limit: 15_000,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      await within(8_000, "LOCK_TIMEOUT", refusal("LOCK_TIMEOUT", rival.execute("k", never)));
    },
  },
  {
    name: "Infinity waits without end",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const calls = [
        world.rival.execute("k", () => {}, { timeout: Infinity }),
        world.rival.acquire("k", { awaitQueue: true, timeout: Infinity, expire: "300ms" }),
      ];
      assert.equal(await pendingAfter(200, Promise.race(calls)), true);
      await holder.free();
      await Promise.all(calls);
    },
  },
  {
    name: "who gets its turn in time is not timed out",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const call = world.rival.execute(
        "k",
        async () => await new Promise((resolve) => setTimeout(resolve, 1_200, "ran")),
        {
          timeout: "1s",
        },
      );
      await world.untilWaiting("k", 1);
      await holder.free();
      assert.equal(await call, "ran");
    },
  },
  {
    name: "one that timed out is never granted later",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const calls = Array.from({ length: 3 }, async () => {
        await refusal("LOCK_TIMEOUT", world.rival.execute("k", never, { timeout: "300ms" }));
      });
      await Promise.all(calls);
      await holder.free();
      await world.locking.acquire("k");
    },
  },
  {
    name: "a grant that arrives late is given back: however a release and a time-out fall together, the key is free afterwards",
    rival: true,
    run: async ({ locking, rival }) => {
      const rounds = Array.from({ length: 24 }, async (_, round) => {
        const key = `k${round}`;
        const lock = await locking.acquire(key);
        let ran = false;
        const call = rival
          .execute(key, () => (ran = true), { timeout: "60ms" })
          .then(
            () => true,
            () => false,
          );
        await new Promise((resolve) => setTimeout(resolve, 48 + round));
        await lock.release();
        assert.equal(await call, ran, "it was reported otherwise than it went");
        await within(
          2_000,
          "the key to be free",
          locking.execute(key, () => {}, { timeout: "2s" }),
        );
      });
      await Promise.all(rounds);
    },
  },
]);
