import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Withdrawn } from "../src/sessions/withdrawn.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a claim is remembered for as long as its tombstone stands, counted from the last, and then forgotten", () => {
  const withdrawn = new Withdrawn();
  withdrawn.add("a");
  withdrawn.add("b");
  vi.advanceTimersByTime(59_999);
  withdrawn.add("a");
  expect([withdrawn.has("a"), withdrawn.has("b"), withdrawn.has("c")]).toEqual([true, true, false]);
  vi.advanceTimersByTime(1);
  withdrawn.add("c");
  expect([withdrawn.has("a"), withdrawn.has("b"), withdrawn.has("c")]).toEqual([true, false, true]);
});
