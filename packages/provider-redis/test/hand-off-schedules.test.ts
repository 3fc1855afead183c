import { ManualClock, seededRandom } from "@lock/testkit/simulation";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Spots } from "../src/hand-off/spots.ts";
import { play, type Stage } from "./hand-off-play.ts";
import { described, randomSchedule, shortest } from "./hand-off-schedule.ts";

/*
 * Processes that hand locks on, before a model of the server that does what its scripts do: in which order messages travel, which of them
 * are lost, and what callers do meanwhile is chosen at random, and every step is looked at.
 */

const stage = vi.hoisted((): Stage => ({ clock: null as unknown as ManualClock, spots: [] }));

vi.mock("../src/hand-off/spots.ts", async (original) => {
  const real = await original<{ Spots: new () => Spots }>();
  class WatchedSpots extends real.Spots {
    constructor() {
      super();
      stage.spots.push(this);
    }
  }
  return { Spots: WatchedSpots };
});

vi.mock("node:timers/promises", () => ({
  setTimeout: (delay: number) => new Promise<void>((resolve) => stage.clock.after(delay, resolve)),
}));

const given = process.env["LOCK_TEST_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const schedules = Number(process.env["LOCK_TEST_SCHEDULES"] ?? 300);

beforeEach(() => {
  stage.clock = new ManualClock();
  vi.spyOn(performance, "now").mockImplementation(() => stage.clock.now());
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((ring: () => void, delay: number) => ({
    ...stage.clock.after(delay, ring),
    unref() {},
  })) as unknown as typeof setTimeout);
  vi.spyOn(globalThis, "clearTimeout").mockImplementation(((timer?: { cancel(): void }) =>
    timer?.cancel()) as unknown as typeof clearTimeout);
});

afterEach(() => {
  vi.restoreAllMocks();
});

test(`${schedules} schedules from seed ${seed} on break no promise`, { timeout: 3_600_000 }, async () => {
  process.stdout.write(`LOCK_TEST_SEED=${seed} LOCK_TEST_SCHEDULES=${schedules}\n`);
  let grants = 0;
  for (let n = 0; n < schedules; n += 1) {
    const schedule = randomSchedule(seed + n, seededRandom(seed + n));
    const { broken, grants: some } = await play(schedule, stage);
    grants += some;
    if (broken === null) continue;
    const least = await shortest(
      schedule,
      async (one) => (await play(one, stage)).broken?.rule === broken.rule,
    );
    const { broken: what, story } = await play(least, stage, true);
    expect.fail(`${what?.rule}: ${what?.message}\n${described(least)}\n${story.join("\n")}`);
  }
  expect(grants).toBeGreaterThan(schedules);
});
