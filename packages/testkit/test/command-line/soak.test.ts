import { expect, test } from "vitest";
import { lockTestkit } from "./run.ts";

test("a provider is soaked among processes that are killed, stopped and cut off", async () => {
  const redis = "../../../provider-redis/test/subject.ts";
  const args = ["--seconds", "6", "--faults", "kill,stop,cut", "--json"];
  const { code, stdout, stderr } = await lockTestkit("soak", redis, ...args);
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as { grants: number; faults: number; violations: string[] };
  expect(report.violations).toEqual([]);
  expect(report.grants).toBeGreaterThan(50);
  expect(report.faults).toBeGreaterThan(0);
  expect(code).toBe(0);
}, 90_000);

test("two holders of one key are found out, and told with what contradicts what", async () => {
  const { code, stdout } = await lockTestkit(
    "soak",
    "./lonely-store.ts",
    ...["--seconds", "2", "--processes", "2"],
    ...["--faults", "none"],
  );
  expect(code).toBe(1);
  expect(stdout).toMatch(/\n\n1\) .+\n +[\d.]+ ms {2}process \d: /);
  expect(stdout).toMatch(/\d+ grants .* [1-9]\d* violations {2}seed \d+\n$/);
}, 60_000);

test("who lets nobody in excludes nobody wrongly, and is found out all the same", async () => {
  const args = ["--seconds", "1", "--processes", "2", "--faults", "none", "--json"];
  const { code, stdout } = await lockTestkit("soak", "./refuses-all.ts", ...args);
  const report = JSON.parse(stdout) as { violations: string[] };
  expect(report.violations).toEqual(["Of all claims none was granted"]);
  expect(code).toBe(1);
}, 60_000);
