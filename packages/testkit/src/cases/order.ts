import type { Locking } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { pendingAfter, within } from "../world/bounded.ts";
import { refusal, rejection } from "../world/rejection.ts";
import type { World } from "../world/world.ts";

export const orderCases: readonly ConformanceCase[] = area("order", [
  {
    name: "first come, first served",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const order: number[] = [];
      const calls: Promise<unknown>[] = [];
      for (let turn = 0; turn < 10; turn++) {
        const service = turn % 2 === 0 ? world.rival : world.locking;
        calls.push(service.execute("k", () => order.push(turn), { timeout: "5s" }));
        await world.untilWaiting("k", turn + 1);
      }
      await holder.free();
      await Promise.all(calls);
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    },
  },
  {
    name: "first come, first served, with acquire as with execute",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const holder = await locking.acquire("k");
      const order: string[] = [];
      const waiting = { awaitQueue: true, timeout: "5s" } as const;
      const first = rival.acquire("k", waiting).then(async (lock) => {
        order.push("acquire");
        await lock.release();
      });
      await world.untilWaiting("k", 1);
      const second = locking.execute("k", () => order.push("execute"), { timeout: "5s" });
      await world.untilWaiting("k", 2);
      const third = rival.acquire("k", { ...waiting, ownerId: "u" }).then(() => order.push("owner"));
      await world.untilWaiting("k", 3);
      await holder.release();
      await Promise.all([first, second, third]);
      assert.deepEqual(order, ["acquire", "execute", "owner"]);
    },
  },
  {
    name: "nobody who does not wait passes an earlier waiter: a free key with a waiter is refused",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("a");
      const waiter = world.hold(["a", "b"], { timeout: "5s" }, world.rival);
      await world.untilWaiting("b", 1);
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("b"));
      await refusal(
        "LOCK_TIMEOUT",
        world.rival.execute("b", () => {}, { timeout: "0ms" }),
      );
      await holder.free();
      await (await waiter).free();
      await world.locking.acquire("b");
    },
  },
  {
    name: "nobody who does not wait passes an earlier waiter with an owner either",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("a");
      const waiter = world.rival.acquire(["a", "b"], { ownerId: "u", awaitQueue: true, timeout: "5s" });
      await world.untilWaiting("b", 1);
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("b"));
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("b", { ownerId: "v" }));
      await holder.free();
      await (await waiter).release();
      await world.locking.acquire("b");
    },
  },
  {
    name: "nobody who waits passes an earlier waiter: a claim on many keys is not starved by claims on one of them",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("a");
      const order: string[] = [];
      const many = world.rival.execute(["a", "b"], () => order.push("many"), { timeout: "5s" });
      await world.untilWaiting("b", 1);
      const later = [world.locking, world.rival].map(
        async (service) => await service.execute("b", () => order.push("one"), { timeout: "5s" }),
      );
      await world.untilWaiting("b", 3);
      assert.equal(await pendingAfter(50, Promise.race(later)), true, "a later claim passed");
      await holder.free();
      await Promise.all([many, ...later]);
      assert.deepEqual(order, ["many", "one", "one"]);
    },
  },
  {
    name: "a waiting writer is not starved by later readers",
    requires: { fifo: true, limits: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const reader = await world.hold("k", { limit: Infinity });
      const order: string[] = [];
      const writer = rival.execute("k", () => order.push("writer"), { timeout: "5s" });
      await world.untilWaiting("k", 1);
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k", { limit: Infinity }));
      const later = locking.execute("k", () => order.push("reader"), { limit: Infinity, timeout: "5s" });
      await world.untilWaiting("k", 2);
      assert.equal(await pendingAfter(50, later), true, "a later reader passed");
      await reader.free();
      await Promise.all([writer, later]);
      assert.deepEqual(order, ["writer", "reader"]);
    },
  },
  {
    name: "who wants none of the same keys is not held up by a waiter",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("a");
      const waiter = world.hold("a", { timeout: "5s" }, world.rival);
      await world.untilWaiting("a", 1);
      await within(
        1_000,
        "another key to be granted",
        world.rival.execute(["b", "c"], () => {}),
      );
      await holder.free();
      await (await waiter).free();
    },
  },
  {
    name: "when the holder lets go, a waiter gets in",
    rival: true,
    run: async (world) => {
      const lock = await world.locking.acquire("k");
      const waiter = world.hold("k", { timeout: "5s" }, world.rival);
      await world.untilWaiting("k", 1);
      assert.equal(await pendingAfter(30, waiter), true);
      await lock.release();
      await (await waiter).free();
    },
  },
  {
    name: "a waiter that timed out blocks nobody any longer",
    rival: true,
    run: async (world) => {
      await leaves(world, (rival) => {
        const never = () => assert.fail("the job ran");
        const call = refusal("LOCK_TIMEOUT", rival.execute(["a", "b"], never, { timeout: "700ms" }));
        return async () => await call;
      });
    },
  },
  {
    name: "a waiter that was aborted blocks nobody any longer",
    rival: true,
    run: async (world) => {
      await leaves(world, (rival) => {
        const abort = new AbortController();
        const call = rejection(
          rival.acquire(["a", "b"], { awaitQueue: true, timeout: "5s", signal: abort.signal }),
        );
        return async () => {
          abort.abort();
          await call;
        };
      });
    },
  },
  {
    name: "a lease that ends with nobody there to release it passes on within 1 s",
    rival: true,
    run: async (world) => {
      await world.locking.acquire("k", { expire: "300ms" });
      const waiter = world.hold("k", { timeout: "5s" }, world.rival);
      await (await within(1_400, "the waiter to get in", waiter)).free();
    },
  },
  {
    name: "a lease that ends passes on for as long as the next has asked for: without expire it does not expire",
    rival: true,
    run: async ({ locking, rival, manifest }) => {
      const asked = [
        { keys: "k" },
        { keys: "of an owner", ownerId: "u" },
        { keys: ["one of many", "another"] },
      ];
      await Promise.all(
        asked.map(async ({ keys, ...args }) => {
          await locking.acquire(keys, { expire: "300ms" });
          const waiter = rival.acquire(keys, { ...args, awaitQueue: true, timeout: "5s" });
          const lock = await within(1_400, "the waiter to get in", waiter);
          assert.equal(lock.remaining(), Infinity, "its handle");
          if (!manifest.inspect) return;
          for (const { holders } of await locking.inspect(keys))
            assert.equal(holders[0]?.remaining, Infinity);
        }),
      );
    },
  },
  {
    name: "a short lease that was handed over passes on within 1 s as well, to who began to wait behind a long one",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const holder = await world.hold("k");
      const short = { expire: "500ms", awaitQueue: true, timeout: "5s" } as const;
      const first = rival.acquire("k", { ...short, ownerId: "u" });
      await world.untilWaiting("k", 1);
      const second = locking.acquire("k", short);
      await world.untilWaiting("k", 2);
      const third = world.hold("k", { timeout: "6s" }, rival);
      await world.untilWaiting("k", 3);
      await holder.free();
      await first;
      await within(1_900, "the next to get in", second);
      await (await within(1_900, "the last to get in", third)).free();
    },
  },
  {
    name: "a lease that ends passes on to the first of those that wait, and from it to the next",
    requires: { fifo: true },
    rival: true,
    run: async (world) => {
      await world.locking.acquire("k", { expire: "400ms" });
      const order: number[] = [];
      const calls = [];
      for (const turn of [0, 1, 2]) {
        const service = turn === 1 ? world.locking : world.rival;
        calls.push(service.execute("k", () => order.push(turn), { timeout: "5s" }));
        await world.untilWaiting("k", turn + 1);
      }
      await within(1_800, "all to have had their turn", Promise.all(calls));
      assert.deepEqual(order, [0, 1, 2]);
    },
  },
  {
    name: "a lease that comes to end sooner passes on within 1 s of its end, also where the first in line has timed out",
    requires: { fifo: true },
    rival: true,
    run: async (world) => await endsSooner(world, 1, "rejected"),
  },
  {
    name: "a lease that comes to end sooner passes on within 1 s of its end, also where the first in line got in by another permit",
    requires: { fifo: true, limits: true },
    rival: true,
    run: async (world) => await endsSooner(world, 2, "fulfilled"),
  },
]);

/** A lease comes to end sooner while two wait, of whom the first is out of the queue before it ends. */
async function endsSooner(
  world: World,
  limit: number,
  first: PromiseSettledResult<unknown>["status"],
): Promise<void> {
  const { locking, rival } = world;
  await locking.acquire("k", { ownerId: "u", limit });
  const other = limit > 1 ? await rival.acquire("k", { limit }) : null;
  const call = rival.acquire("k", { limit, awaitQueue: true, timeout: "1s" });
  const left = Promise.allSettled([call]);
  await world.untilWaiting("k", 1);
  const next = world.hold("k", { limit, timeout: "5s" });
  await world.untilWaiting("k", 2);
  await locking.acquire("k", { ownerId: "u", limit, expire: "1.2s" });
  await other?.release();
  // Not as it looks for itself, which it does every 3 s.
  const [[{ status }], holding] = await Promise.all([left, within(2_200, "the next to get in", next)]);
  assert.equal(status, first);
  await holding.free();
}

/** A claim on "a" and "b" waits for "a" and leaves; whoever stood behind it must then get on. */
async function leaves(world: World, wait: (rival: Locking) => () => Promise<unknown>): Promise<void> {
  const holder = await world.hold("a");
  const leave = wait(world.rival);
  await world.untilWaiting("a", 1);
  const behind = world.hold("b", { timeout: "5s" });
  await leave();
  await (await within(1_000, "who stood behind it to get in", behind)).free();
  await holder.free();
  const lock = await world.locking.acquire(["a", "b"]);
  await lock.release();
}
