import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { isLockError, LockError, LockLostError } from "../src/contract/errors.ts";

describe("a LockError", () => {
  test("has a code, the keys and, where there is one, the cause", () => {
    const cause = new Error("underneath");
    const error = new LockError("LOCK_UNAVAILABLE", "no answer", { keys: ["a"], cause });
    expect(error).toMatchObject({ name: "LockError", code: "LOCK_UNAVAILABLE", keys: ["a"], cause });
    expect(new LockError("LOCK_CLOSED", "closed").keys).toEqual([]);
    expect("cause" in new LockError("LOCK_CLOSED", "closed", { cause: undefined })).toBe(false);
  });

  test("is an Error that says its name in its stack", () => {
    expect(new LockError("LOCK_CLOSED", "closed")).toBeInstanceOf(Error);
    expect(inspect(new LockError("LOCK_CLOSED", "closed"))).toMatch(/^LockError: closed\n/);
    const lost = new LockLostError("gone", { keys: ["k"] });
    expect(lost).toBeInstanceOf(LockError);
    expect(lost).toMatchObject({ name: "LockLostError", code: "LOCK_LOST" });
    expect(lost.stack).toMatch(/^LockLostError: gone\n/);
  });
});

describe("isLockError", () => {
  test("knows the code", () => {
    const error = new LockError("LOCK_TIMEOUT", "late");
    expect(isLockError(error)).toBe(true);
    expect(isLockError(error, "LOCK_TIMEOUT")).toBe(true);
    expect(isLockError(error, "LOCK_LOST")).toBe(false);
  });

  test("works across duplicate installs, both ways", async () => {
    // The built package is another copy of this module.
    const other = await import("@lock/core");
    expect(other.LockError).not.toBe(LockError);
    expect(isLockError(new other.LockLostError("gone"), "LOCK_LOST")).toBe(true);
    expect(other.isLockError(new LockError("LOCK_CLOSED", "closed"), "LOCK_CLOSED")).toBe(true);
  });

  test.each([undefined, null, "LOCK_LOST", 5, {}, new Error("x"), { code: "LOCK_LOST" }, () => {}])(
    "says no to %s",
    (value) => {
      expect(isLockError(value)).toBe(false);
    },
  );
});
