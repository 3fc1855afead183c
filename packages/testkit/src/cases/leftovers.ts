import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { contend } from "../world/contention.ts";

const round = 1_500;
/** Bytes: a number in a set takes as many, a timer or a closure a hundred and more. */
const least = 30;

export const leftoverCases: readonly ConformanceCase[] = area("leftovers", [
  {
    name: "a claim that was refused, timed out, aborted or granted after a wait leaves no memory and no timer in its process",
    needs: "processes",
    run: async (world) => {
      const process = await world.start();
      await process.contend(round);
      let before = await process.measure();
      const growths: string[] = [];
      // What is compiled, cached and warmed up grows at first; what leaks grows each time.
      for (let time = 0; time < 4; time++) {
        await process.contend(round);
        const after = await process.measure();
        const each = (after.heap - before.heap) / round;
        if (each < least && after.timers <= before.timers) return;
        growths.push(`${each.toFixed(0)} bytes and ${(after.timers - before.timers) / round} timers`);
        before = after;
      }
      assert.fail(`each claim left ${growths.join(", then ")}`);
    },
  },
  {
    name: "claims on a hundred other keys by a hundred other owners leave no more in the backend than those on twenty",
    needs: "entries",
    run: async ({ locking, entries }) => {
      await contend(locking, 20, (turn) => `first ${turn}`);
      const before = await entries();
      await contend(locking, 100, (turn) => `then ${turn}`);
      const after = await entries();
      assert.ok(after < before + 10, `${before} entries, then ${after}`);
    },
  },
]);
