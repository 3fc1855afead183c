import { play, randomSchedule, simulate } from "@lock/testkit/simulation";
import { expect, test } from "vitest";

const given = process.env["LOCK_TEST_SEED"];
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
const schedules = Number(process.env["LOCK_TEST_SCHEDULES"] ?? 10_000);

test(`${schedules} schedules from seed ${seed} on break no promise`, { timeout: 3_600_000 }, async () => {
  // Also where a reporter names no tests that pass: whoever looks back wants to know what was played.
  process.stdout.write(`LOCK_TEST_SEED=${seed} LOCK_TEST_SCHEDULES=${schedules}\n`);
  const report = await simulate({ seed, schedules });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.grants).toBeGreaterThan(schedules);
});

test("a schedule runs the same way every time", async () => {
  for (const seed of [11, 12, 13, 14]) {
    const stories: string[][] = [[], []];
    for (const story of stories) await play(randomSchedule(seed, "foul"), undefined, story);
    expect(stories[0]!.length).toBeGreaterThan(5);
    expect(stories[0]).toEqual(stories[1]);
  }
});
