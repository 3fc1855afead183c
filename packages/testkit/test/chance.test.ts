import { prepareSuite, runCase, type ApplicableCase } from "@lock/testkit";
import { expect, test } from "vitest";

const module = new URL("../../provider-memory/test/subject.ts", import.meta.url);

/** What a case with this title draws in a run with this seed. */
async function drawn(seed: number, title: string): Promise<readonly number[]> {
  const suite = await prepareSuite(module, { seed });
  let seen: readonly number[] = [];
  const one: ApplicableCase = {
    title,
    placement: "one service",
    case: {
      area: "chance",
      name: title,
      run: async ({ random }) => {
        seen = random.shuffled([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      },
    },
  };
  await runCase(one, suite);
  return seen;
}

test("the seed of a run repeats what a case leaves to chance, whatever else is run", async () => {
  const first = await drawn(3, "a case");
  expect(first.toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await drawn(3, "a case")).toEqual(first);
  expect(await drawn(4, "a case")).not.toEqual(first);
  expect(await drawn(3, "another case")).not.toEqual(first);
});

test("a seed can be given in the environment, and is new each time otherwise", async () => {
  const { seed } = await prepareSuite(module);
  expect((await prepareSuite(module)).seed).not.toBe(seed);
  process.env["LOCK_TESTKIT_SEED"] = "12";
  try {
    expect((await prepareSuite(module)).seed).toBe(12);
  } finally {
    delete process.env["LOCK_TESTKIT_SEED"];
  }
});
