import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDuration } from "../src/arguments/duration.ts";
import { isLockError } from "../src/contract/errors.ts";

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function refused(value: unknown): unknown {
  try {
    parseDuration(value, "expire");
    return undefined;
  } catch (error) {
    return error;
  }
}

describe("a duration", () => {
  test("is seconds as a finite number", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (seconds) => {
        expect(parseDuration(seconds, "expire")).toBe(seconds * 1_000);
      }),
    );
  });

  test("or one number, decimals allowed, directly followed by its unit", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.option(fc.nat(999_999)),
        fc.constantFrom("ms", "s", "m", "h", "d"),
        (whole, fraction, unit) => {
          const number = fraction === null ? String(whole) : `${whole}.${fraction}`;
          expect(parseDuration(`${number}${unit}`, "expire")).toBe(Number(number) * units[unit]);
        },
      ),
    );
  });

  test.each([
    ["250ms", 250],
    ["1.5s", 1_500],
    ["0ms", 0],
    ["10m", 600_000],
    ["12h", 43_200_000],
    ["40d", 3_456_000_000],
  ])("such as %j", (text, milliseconds) => {
    expect(parseDuration(text, "expire")).toBe(milliseconds);
  });

  test.each([
    NaN,
    Infinity,
    -Infinity,
    -1,
    -0.001,
    "",
    "5",
    "s",
    "5 s",
    " 5s",
    "5s ",
    "-5s",
    "+5s",
    "1e3s",
    "1,5s",
    ".5s",
    "5.s",
    "1.2.3s",
    "5S",
    "5sec",
    "5s5ms",
    "0x5s",
    "Infinitys",
    "٥s",
    `${"9".repeat(400)}d`,
    null,
    true,
    5n,
    [5],
    { seconds: 5 },
    new Date(0),
  ])("anything else is LOCK_INVALID_ARGUMENT: %s", (value) => {
    const error = refused(value);
    expect(isLockError(error, "LOCK_INVALID_ARGUMENT")).toBe(true);
    expect((error as Error).message).toContain("expire must be");
  });

  test("no other text is taken for one", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text));
        expect(isLockError(refused(text), "LOCK_INVALID_ARGUMENT")).toBe(true);
      }),
    );
  });
});
