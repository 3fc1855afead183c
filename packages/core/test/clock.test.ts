import { expect, test } from "vitest";
import { systemClock } from "../src/engine/clock.ts";

/** How many timers keep the process up. */
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

test.each([
  [true, 1],
  [false, 0],
])(
  "a timer keeps the process up where that is asked for (%s), and none that is cancelled",
  (keepAlive, more) => {
    const before = timers();
    const timer = systemClock.after(60_000, () => {}, keepAlive);
    expect(timers() - before).toBe(more);
    timer.cancel();
    expect(timers()).toBe(before);
  },
);

test("a timer that is cancelled does not ring", async () => {
  let rang = 0;
  systemClock.after(1, () => (rang += 1), true).cancel();
  await new Promise<void>((resolve) => systemClock.after(5, resolve, true));
  expect(rang).toBe(0);
});
