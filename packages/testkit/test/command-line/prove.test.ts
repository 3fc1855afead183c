import { expect, test } from "vitest";
import { lockTestkit } from "./run.ts";

const memory = "../../../provider-memory/dist/index.js";

test("a provider that keeps the contract passes: every sentence under its area, exit code 0", async () => {
  const { code, stdout, stderr } = await lockTestkit(memory, "--only", "release,processes", "--seed", "7");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^memoryProvider: scope process, fencing yes/);
  expect(stdout).toMatch(/\n\nrelease\n(?: {2}.*\n)* {2}✓ with an owner it frees nobody else's lock\n/);
  expect(stdout).toContain(
    '  – first come, first served holds between processes too (skipped because scope is "process", not "shared")',
  );
  expect(stdout).toMatch(/\d+ passed, 0 failed, \d+ skipped in \d+\.\d s, seed 7\n$/);
  expect(stdout).not.toContain("durations");
});

test("a provider that breaks it is rejected: the sentence, the story, how to repeat it and where to read, exit code 1", async () => {
  const { code, stdout } = await lockTestkit("./careless-store.ts", "--only", "release", "--seed", "7");
  expect(code).toBe(1);
  expect(stdout).toContain("  ✗ with an owner it frees nobody else's lock\n");
  const story = stdout.slice(stdout.indexOf(") release: with an owner it frees nobody else's lock"));
  expect(story).toMatch(/Done and seen:\n.* ms {2}service 1: acquire#1\("k", \{ ownerId: "u" \}\)/);
  expect(story).toContain("Repeat it: npx lock-testkit ./careless-store.ts --only release --seed 7");
  expect(story).toMatch(/Read: https:.*\/docs\/writing-a-provider\.md#release\n/);
});

test("the report for programs says the same", async () => {
  const { code, stdout } = await lockTestkit("./careless-store.ts", "--only", "release", "--json");
  expect(code).toBe(1);
  const report = JSON.parse(stdout) as {
    failed: number;
    findings: { sentence: string; status: string; failure?: { timeline: string[]; repeat: string } }[];
  };
  const finding = report.findings.find((one) => one.sentence === "with an owner it frees nobody else's lock");
  expect(finding?.status).toBe("failed");
  expect(finding?.failure?.timeline.length).toBeGreaterThan(2);
  expect(report.findings.filter((one) => one.status === "failed")).toHaveLength(report.failed);
});

test("what claims less than it does is told so, and passes", async () => {
  const { code, stdout } = await lockTestkit("./modest-store.ts");
  expect(code).toBe(0);
  for (const name of ["fencing", "limits", "inspect", "fifo", "push"]) {
    expect(stdout).toContain(`Note: The manifest says ${name}: false, but `);
  }
}, 60_000);

test("what is true is not noted", async () => {
  const { code, stdout } = await lockTestkit(memory);
  expect(code).toBe(0);
  expect(stdout).not.toContain("Note:");
}, 60_000);

test("a package is found by its name, and its factory given the options", async () => {
  const options = JSON.stringify({ redisUrl: process.env["LOCK_TEST_REDIS_URL"] });
  const redis = "../../../provider-redis/dist/index.js";
  const { code, stdout } = await lockTestkit(redis, "--options", options, "--only", "keys");
  expect(code).toBe(0);
  expect(stdout).toContain("scope shared");
});

test.each([
  [["./nowhere.js"], "There is no file"],
  [["no-such-package"], "neither a file nor an installed package"],
  [[], "name the module"],
  [["./run.ts"], "needs a default export"],
  [["./modest-store.ts", "--only", "nonsense"], 'There is no area "nonsense"; there are service,'],
  [["./modest-store.ts", "--options", "[1]"], "--options must be an object in JSON"],
  [["./modest-store.ts", "--seed", "x"], "A seed is a whole number"],
  [["./modest-store.ts", "--minutes", "1"], "--minutes is for soak"],
  [["./never-loaded.ts"], "never-loaded.ts to be loaded within"],
  [["./never-made.ts"], "an instance of never made to be made within"],
  [["./never-answers.ts"], "the provider left a call unanswered"],
  [["./crowded-provider.ts"], "Two instances in different namespaces share their locks"],
  [["soak", "./modest-store.ts"], "There is nothing to soak"],
  [["soak", "./lonely-store.ts", "--faults", "cut"], "as `urlVariable` of the subject"],
  [["soak", "./lonely-store.ts", "--faults", "flood"], 'There is no fault "flood"'],
])("what can't be tried is said in a sentence, exit code 2: %s", async (args, sentence) => {
  const { code, stdout, stderr } = await lockTestkit(...args);
  expect(stderr).toContain(`lock-testkit: `);
  expect(stderr).toContain(sentence);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});
