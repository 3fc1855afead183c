import { expect, test } from "vitest";
import { runNode } from "./run.ts";

const args = ["--test", "--test-reporter=tap", "in-node-test.ts"];

test("node:test runs the sentences that apply, and skips the others with the reason", async () => {
  const subject = "../../../provider-memory/test/subject.ts";
  const { code, stdout } = await runNode(args, { SUBJECT: subject });
  expect(stdout).toMatch(/ok \d+ - with an owner it frees nobody else's lock\n/);
  expect(stdout).toMatch(/# SKIP scope is "process", not "shared"\n/);
  expect(code).toBe(0);
});

test("node:test fails where the provider breaks a sentence, and tells the story", async () => {
  const { code, stdout } = await runNode(args, { SUBJECT: "./careless-store.ts" });
  expect(stdout).toMatch(/not ok \d+ - with an owner it frees nobody else's lock\n/);
  expect(stdout).toContain("Done and seen:");
  expect(stdout).toContain("Repeat it: npx lock-testkit ./careless-store.ts --only release");
  expect(code).toBe(1);
});
