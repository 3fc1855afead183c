import { startProcess } from "@lock/testkit";
import { expect, test } from "vitest";

const settings = {
  subject: new URL("../../provider-memory/test/subject.ts", import.meta.url).href,
  namespace: "processes",
  name: "one",
  clockShift: 0,
};

test("nobody waits for a grant of a process that is gone", async () => {
  await using child = await startProcess(settings);
  const before = child.execute("k", {}, 60_000);
  await before.granted;
  const waiting = child.execute("k", { timeout: "60s" });
  await child.kill();
  await expect(waiting.granted).rejects.toThrow("has ended");
  const after = child.execute("k");
  expect((await after.outcome).ok).toBe(false);
  await expect(after.granted).rejects.toThrow("closed");
});
