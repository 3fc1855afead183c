import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkKeys, checkOwnerId } from "../src/arguments/keys.ts";
import { isLockError } from "../src/contract/errors.ts";

function invalid(check: () => unknown): Error {
  try {
    check();
  } catch (error) {
    if (isLockError(error, "LOCK_INVALID_ARGUMENT")) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const name = fc.string({ minLength: 1, maxLength: 300, unit: "grapheme" }).filter((text) => {
  return !text.includes("\0") && Buffer.byteLength(text) <= 1_024;
});

describe("keys", () => {
  test("are one or many strings; repeats count once, in the order given", () => {
    expect(checkKeys("a")).toEqual(["a"]);
    expect(checkKeys(["b", "a", "b", "c", "a"])).toEqual(["b", "a", "c"]);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), (keys) => {
        expect(checkKeys(keys)).toEqual([...new Set(keys)]);
      }),
    );
  });

  test("are case-sensitive, never normalised, and no character is special", () => {
    const keys = ["é", "e\u0301", "É", " ", "a:b", "a b", "*", "{x}", "%", "\n", "🔒"];
    expect(checkKeys(keys)).toEqual(keys);
  });

  test("take at most 1,024 bytes of UTF-8", () => {
    expect(checkKeys("x".repeat(1_024))).toHaveLength(1);
    expect(checkKeys("🔒".repeat(256))).toHaveLength(1);
    expect(invalid(() => checkKeys("x".repeat(1_025))).message).toContain("1025");
    expect(invalid(() => checkKeys("é".repeat(513))).message).toContain("1026");
  });

  test.each([
    ["none at all", []],
    ["an empty one", ""],
    ["an empty one among others", ["a", ""]],
    ["NUL", "a\0b"],
    ["a lone surrogate", "a\ud800"],
    ["a hole", new Array<string>(2)],
    ["no string", 5],
    ["nothing", undefined],
    ["null", [null]],
    ["an object", { keys: ["a"] }],
    ["a set", new Set(["a"])],
  ])("are refused where they are %s", (_what, keys) => {
    invalid(() => checkKeys(keys));
  });
});

describe("an ownerId", () => {
  test("obeys the same rules; null and undefined are none, the empty one an error", () => {
    expect(checkOwnerId(undefined, [])).toBe(null);
    expect(checkOwnerId(null, [])).toBe(null);
    expect(checkOwnerId("user_123", [])).toBe("user_123");
    for (const wrong of ["", "\0", "\udc00", "x".repeat(1_025), 5, ["user"]])
      invalid(() => checkOwnerId(wrong, []));
  });

  test("that is refused names the keys it was given with", () => {
    expect(invalid(() => checkOwnerId("", ["a"]))).toMatchObject({ keys: ["a"] });
  });
});
