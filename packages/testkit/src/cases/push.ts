import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { within } from "../world/bounded.ts";

export const pushCases: readonly ConformanceCase[] = area("push", [
  {
    name: "a release wakes the next waiter without polling: twenty in a row, all of whom have waited a while",
    requires: { push: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const calls = Array.from({ length: 20 }, async (_, index) => {
        await (index % 2 === 0 ? world.rival : world.locking).execute("k", () => {}, { timeout: "8s" });
      });
      await world.untilWaiting("k", 20);
      await pause(700);
      await holder.free();
      // Who polls has by now pauses of 200 ms between two tries, which makes 2 s of the twenty.
      await within(1_000, "all to have had their turn", Promise.all(calls));
    },
  },
  {
    name: "a release by owner wakes the next waiter as well",
    requires: { push: true },
    rival: true,
    run: async (world) => {
      for (const free of [
        async () => await world.locking.release(["a", "b"], { ownerId: "u" }),
        async () => await world.locking.releaseAll({ ownerId: "u" }),
      ]) {
        await world.locking.acquire(["a", "b"], { ownerId: "u" });
        const waiter = world.hold(["b", "c"], { timeout: "5s" }, world.rival);
        await world.untilWaiting("b", 1);
        await free();
        await (await within(800, "the waiter to get in", waiter)).free();
      }
    },
  },
  {
    name: "without push, a waiter finds out by itself",
    requires: { push: false },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const waiter = world.rival.execute("k", () => "ran", { timeout: "8s" });
      await pause(300);
      await holder.free();
      assert.equal(await within(3_000, "the waiter to get in", waiter), "ran");
    },
  },
]);
