import type { AcquireArgs, Duration } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

const invalid: readonly unknown[] = [
  NaN,
  -1,
  Infinity,
  "",
  "5",
  "5 s",
  "s",
  "1.5.5s",
  "-5s",
  "5S",
  "1e3ms",
  "5sec",
  {},
  true,
];

export const durationCases: readonly ConformanceCase[] = area("durations", [
  {
    name: "a number is seconds, and what is reported back is milliseconds",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: 20 });
      assert.ok(
        lock.remaining() > 19_000 && lock.remaining() <= 20_000,
        `remaining() is ${lock.remaining()}`,
      );
    },
  },
  {
    name: "a string is one number, decimals allowed, directly followed by ms, s, m, h or d",
    run: async ({ locking }) => {
      const lengths: readonly (readonly [Duration, number])[] = [
        ["20500ms", 20_500],
        ["20.5s", 20_500],
        ["1.5m", 90_000],
        ["2h", 7_200_000],
        ["1d", 86_400_000],
      ];
      for (const [expire, milliseconds] of lengths) {
        const lock = await locking.acquire(`k${expire}`, { expire });
        const remaining = lock.remaining();
        assert.ok(
          remaining > milliseconds - 2_000 && remaining <= milliseconds,
          `${expire}: remaining() is ${remaining}`,
        );
      }
    },
  },
  {
    name: "more than a timer's 24.8 days works",
    run: async ({ locking }) => {
      const lock = await locking.acquire("k", { expire: "40d", ownerId: "u" });
      // A timer that overflows fires at once.
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(lock.signal.aborted, false);
      assert.ok(lock.remaining() > 39 * 86_400_000, `remaining() is ${lock.remaining()}`);
      assert.equal(await locking.execute("j", () => "ran", { expire: "40d", timeout: "40d" }), "ran");
    },
  },
  {
    name: "any other expire is LOCK_INVALID_ARGUMENT, and takes nothing",
    run: async ({ locking }) => {
      for (const expire of invalid as readonly Duration[]) {
        await refusal("LOCK_INVALID_ARGUMENT", locking.acquire("k", { expire }));
        await refusal(
          "LOCK_INVALID_ARGUMENT",
          locking.execute("k", () => assert.fail(`the job ran with expire ${String(expire)}`), { expire }),
        );
      }
      await locking.acquire("k");
    },
  },
  {
    name: "any other timeout but Infinity is LOCK_INVALID_ARGUMENT, and takes nothing",
    run: async ({ locking }) => {
      const others = invalid.filter((value) => value !== Infinity && value !== -1);
      for (const timeout of others as NonNullable<AcquireArgs["timeout"]>[]) {
        await refusal("LOCK_INVALID_ARGUMENT", locking.acquire("k", { timeout, awaitQueue: true }));
        await refusal(
          "LOCK_INVALID_ARGUMENT",
          locking.execute("k", () => assert.fail(`the job ran with timeout ${String(timeout)}`), { timeout }),
        );
      }
      await locking.acquire("k");
    },
  },
]);
