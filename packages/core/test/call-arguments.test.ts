import { beforeEach, describe, expect, test } from "vitest";
import { checkAcquireArgs, checkDrain, checkExecuteArgs } from "../src/arguments/call-arguments.ts";
import { isLockError } from "../src/contract/errors.ts";
import type { ExecuteArgs } from "../src/contract/locking.ts";
import type { Logger } from "../src/contract/logger.ts";

const silent = (): void => {};
let warnings: string[];
let logger: Logger;
beforeEach(() => {
  warnings = [];
  logger = { debug: silent, info: silent, error: silent, warn: (text) => void warnings.push(text) };
});

function timeout(value: unknown): number | undefined {
  return checkExecuteArgs({ timeout: value } as ExecuteArgs, [], logger).timeout;
}

function invalid(check: () => unknown): void {
  expect(check).toThrowError(expect.objectContaining({ code: "LOCK_INVALID_ARGUMENT", keys: ["a"] }));
}

describe("timeout", () => {
  test("is seconds from 1 up, Infinity, or a string that is taken at its word", () => {
    expect(timeout(1)).toBe(1_000);
    expect(timeout(2.5)).toBe(2_500);
    expect(timeout(Infinity)).toBe(Infinity);
    expect(timeout("0ms")).toBe(0);
    expect(timeout("500ms")).toBe(500);
  });

  test("as a number below 1 means the default", () => {
    for (const below of [0, -0, -1, -5, 0.5, 0.999, undefined]) expect(timeout(below)).toBe(undefined);
  });

  test("a fraction warns, once, how to say it", () => {
    timeout(0);
    timeout(-3);
    expect(warnings).toEqual([]);
    timeout(0.57);
    timeout(0.25);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('"570ms"');
  });

  test.each([NaN, -Infinity, null, "", "5", "-1s", {}, true])("is refused as %s", (value) => {
    invalid(() => checkExecuteArgs({ timeout: value } as ExecuteArgs, ["a"], logger));
  });
});

describe("limit", () => {
  test("is 1 by default, a whole number from 1 up, or Infinity", () => {
    for (const limit of [1, 2, 1_000_000, Infinity])
      expect(checkExecuteArgs({ limit }, [], logger).limit).toBe(limit);
    expect(checkExecuteArgs({}, [], logger).limit).toBe(1);
    expect(checkExecuteArgs(undefined, [], logger).limit).toBe(1);
  });

  test.each([0, -1, 1.5, NaN, -Infinity, 2 ** 53, "1", null, 1n])("is refused as %s", (limit) => {
    invalid(() => checkExecuteArgs({ limit } as ExecuteArgs, ["a"], logger));
  });
});

describe("the other arguments", () => {
  test("expire is a duration of its own, 0 and absent told apart", () => {
    expect(checkExecuteArgs({ expire: "30s" }, [], logger).expire).toBe(30_000);
    expect(checkExecuteArgs({ expire: 0 }, [], logger).expire).toBe(0);
    expect(checkExecuteArgs({ expire: undefined }, [], logger).expire).toBe(undefined);
    invalid(() => checkExecuteArgs({ expire: -1 }, ["a"], logger));
    invalid(() => checkExecuteArgs({ expire: Infinity }, ["a"], logger));
  });

  test("signal is an AbortSignal", () => {
    const { signal } = new AbortController();
    expect(checkExecuteArgs({ signal }, [], logger).signal).toBe(signal);
    invalid(() => checkExecuteArgs({ signal: {} } as ExecuteArgs, ["a"], logger));
  });

  test("acquire does not wait unless awaitQueue is true", () => {
    expect(checkAcquireArgs(undefined, [], logger)).toMatchObject({ awaitQueue: false, ownerId: null });
    expect(checkAcquireArgs({ awaitQueue: true, ownerId: "u" }, [], logger)).toMatchObject({
      awaitQueue: true,
      ownerId: "u",
    });
    invalid(() => checkAcquireArgs({ awaitQueue: "yes" } as never, ["a"], logger));
  });

  test("they are an object", () => {
    for (const args of [null, 5, "5s", true]) {
      invalid(() => checkExecuteArgs(args as never, ["a"], logger));
      invalid(() => checkAcquireArgs(args as never, ["a"], logger));
    }
  });

  test("drain is a duration or Infinity, 10 s by default", () => {
    expect(checkDrain(undefined)).toBe(10_000);
    expect(checkDrain(0)).toBe(0);
    expect(checkDrain("1m")).toBe(60_000);
    expect(checkDrain(Infinity)).toBe(Infinity);
    expect(() => checkDrain(-1)).toThrow("drain must be");
    expect(() => checkDrain("soon")).toThrowError(
      expect.toSatisfy((error) => isLockError(error, "LOCK_INVALID_ARGUMENT")),
    );
  });
});
