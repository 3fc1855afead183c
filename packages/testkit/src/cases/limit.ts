import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";

export const limitCases: readonly ConformanceCase[] = area("limit", [
  {
    name: "without a limit one may hold the key",
    rival: true,
    run: async ({ locking, rival }) => {
      let inside = 0;
      const job = async (): Promise<void> => {
        assert.equal(++inside, 1, "two jobs at once");
        await pause(1);
        inside--;
      };
      const calls = Array.from({ length: 16 }, async (_, index) => {
        await (index % 2 === 0 ? locking : rival).execute("k", job, { timeout: "8s" });
      });
      await Promise.all(calls);
    },
  },
  {
    name: "a limit that is no whole number from 1 on, nor Infinity, is LOCK_INVALID_ARGUMENT",
    run: async ({ locking }) => {
      for (const limit of [0, -1, 1.5, NaN, -Infinity, "2"] as readonly number[]) {
        await refusal("LOCK_INVALID_ARGUMENT", locking.acquire("k", { limit }));
        await refusal(
          "LOCK_INVALID_ARGUMENT",
          locking.execute("k", () => assert.fail("the job ran"), { limit }),
        );
      }
      await locking.acquire("k", { limit: 1 });
    },
  },
  {
    name: "a limit other than 1 is LOCK_UNSUPPORTED where the manifest offers none",
    requires: { limits: false },
    run: async ({ locking }) => {
      for (const limit of [2, Infinity]) {
        await refusal("LOCK_UNSUPPORTED", locking.acquire("k", { limit }));
        await refusal(
          "LOCK_UNSUPPORTED",
          locking.execute("k", () => assert.fail("the job ran"), { limit }),
        );
      }
      await locking.acquire("k", { limit: 1 });
    },
  },
  {
    name: "n permits: n may hold the key at once, and no more",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const locks = [];
      for (const service of [locking, rival, locking]) locks.push(await service.acquire("k", { limit: 3 }));
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { limit: 3 }));
      await locks[1]!.release();
      await rival.acquire("k", { limit: 3 });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { limit: 3 }));
    },
  },
  {
    name: "n permits are all used, and never more than they are, under many callers",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      let inside = 0;
      let most = 0;
      const calls = Array.from({ length: 24 }, async (_, index) => {
        await (index % 2 === 0 ? locking : rival).execute(
          "k",
          async () => {
            most = Math.max(most, ++inside);
            assert.ok(inside <= 4, `${inside} hold 4 permits`);
            await pause(15);
            inside--;
          },
          { limit: 4, timeout: "8s" },
        );
      });
      await Promise.all(calls);
      assert.equal(most, 4);
    },
  },
  {
    name: "with Infinity any number shares the key",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const readers = Array.from({ length: 40 }, async (_, index) => {
        return await (index % 2 === 0 ? locking : rival).acquire("k", { limit: Infinity });
      });
      await Promise.all(readers);
    },
  },
  {
    name: "readers exclude writers, and a writer readers",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const readers = [
        await locking.acquire("k", { limit: Infinity }),
        await rival.acquire("k", { limit: Infinity }),
      ];
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      await readers[0]!.release();
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
      await readers[1]!.release();
      await locking.acquire("k");
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { limit: Infinity }));
    },
  },
  {
    name: "a claim with another limit than the holders' does not fit, however many permits are free",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const held = await locking.acquire("k", { limit: 3 });
      for (const limit of [1, 2, 4, Infinity])
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { limit }));
      await rival.acquire("k", { limit: 3 });
      assert.equal(await held.release(), true);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k", { limit: 2 }));
    },
  },
  {
    name: "a key that nobody holds any more may be held with another limit",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      for (const limit of [3, 1, Infinity, 2]) {
        const lock = await locking.acquire("k", { limit });
        assert.equal(await lock.release(), true);
        await rival.execute("k", () => {}, { limit: limit + 1 });
      }
    },
  },
  {
    name: "a limit holds for each of many keys",
    requires: { limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire(["a", "b"], { limit: 2 });
      await rival.acquire(["b", "c"], { limit: 2 });
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire(["a", "b"], { limit: 2 }));
      await rival.acquire(["a", "c"], { limit: 2 });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("a", { limit: 2 }));
    },
  },
  {
    name: "when a writer lets go, all the readers that wait get in together",
    requires: { limits: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const writer = await world.hold("k");
      const readers = [locking, rival, locking].map(
        async (service) => await world.hold("k", { limit: Infinity, timeout: "5s" }, service),
      );
      await world.untilWaiting("k", 3);
      assert.equal(await pendingAfter(20, Promise.race(readers)), true);
      await writer.free();
      // Not one as the other looks for itself, which it does every 3 s.
      await within(2_000, "all of them to get in", Promise.all(readers));
    },
  },
  {
    name: "who may share one of many keys gets in together with the claim on them that it waited behind",
    requires: { limits: true, fifo: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const shared = { limit: Infinity, timeout: "5s" } as const;
      const writer = await world.hold("a");
      const many = world.hold(["a", "b"], shared, rival);
      await world.untilWaiting("b", 1);
      const behind = [locking, rival].map(async (service) => await world.hold("b", shared, service));
      await world.untilWaiting("b", 3);
      await writer.free();
      // Not as each looks for itself, which it does every 3 s.
      await within(2_000, "all of them to get in", Promise.all([many, ...behind]));
    },
  },
  {
    name: "each permit that is freed lets one more in",
    requires: { limits: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const first = await world.hold("k", { limit: 2 });
      await world.hold("k", { limit: 2 }, rival);
      const waiters = [locking, rival].map(
        async (service) => await world.hold("k", { limit: 2, timeout: "5s" }, service),
      );
      await world.untilWaiting("k", 2);
      await first.free();
      const next = await Promise.race(waiters);
      assert.equal(await pendingAfter(50, Promise.all(waiters)), true, "one permit let two in");
      await next.free();
      await Promise.all(waiters);
    },
  },
]);
