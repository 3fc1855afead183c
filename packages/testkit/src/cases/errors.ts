import { isLockError, LockError, type LockErrorCode } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal, rejection } from "../world/rejection.ts";

export const errorCases: readonly ConformanceCase[] = area("errors", [
  {
    name: "LOCK_NOT_ACQUIRED names the key",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("prod_123");
      const error = await refusal("LOCK_NOT_ACQUIRED", rival.acquire("prod_123"));
      assert.ok(error.message.startsWith(`Failed to acquire lock for key "prod_123"`), error.message);
      assert.deepEqual(error.keys, ["prod_123"]);
    },
  },
  {
    name: "LOCK_TIMEOUT says so, and carries the keys",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("a");
      // Both at once: the second must not fail while nobody listens to it yet.
      const errors = await Promise.all([
        refusal(
          "LOCK_TIMEOUT",
          rival.execute(["b", "a"], () => {}, { timeout: "300ms" }),
        ),
        refusal("LOCK_TIMEOUT", rival.acquire(["b", "a"], { timeout: "300ms", awaitQueue: true })),
      ]);
      for (const error of errors) {
        assert.ok(error.message.startsWith("Timed-out acquiring lock"), error.message);
        assert.deepEqual([...error.keys].sort(), ["a", "b"]);
      }
    },
  },
  {
    name: "every error is a LockError, which isLockError tells from others",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      const errors: readonly (readonly [LockErrorCode, unknown])[] = [
        ["LOCK_NOT_ACQUIRED", await rejection(rival.acquire("k"))],
        ["LOCK_TIMEOUT", await rejection(rival.execute("k", () => {}, { timeout: "0ms" }))],
        ["LOCK_INVALID_ARGUMENT", await rejection(rival.acquire(""))],
        ["LOCK_CONFIG", await rejection(rival.acquire("k", { provider: "lp_nowhere" }))],
      ];
      for (const [code, error] of errors) {
        assert.ok(error instanceof Error);
        assert.ok(isLockError(error) && isLockError(error, code), String(error));
        assert.equal(error.name, "LockError");
        assert.notEqual(error.message, "");
      }
      assert.equal(isLockError(new Error("of someone else")), false);
      assert.equal(isLockError(new LockError("LOCK_TIMEOUT", "made by hand"), "LOCK_TIMEOUT"), true);
    },
  },
  {
    name: "what is held is never reported as a failure of the backend, by one caller or by fifty at once",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("k");
      const calls = Array.from({ length: 50 }, async (_, index) => {
        const args = { timeout: "500ms" } as const;
        if (index % 2 === 0)
          return await refusal(
            "LOCK_TIMEOUT",
            rival.execute("k", () => {}, args),
          );
        return await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
      });
      await Promise.all(calls);
    },
  },
  {
    name: "a provider id that is not registered is LOCK_CONFIG, and lists those that are",
    run: async ({ locking }) => {
      const error = await refusal("LOCK_CONFIG", locking.acquire("k", { provider: "lp_nowhere" }));
      assert.ok(error.message.includes("lp_nowhere"), error.message);
      assert.ok((error.message.match(/lp_/g) ?? []).length > 1, error.message);
      await refusal(
        "LOCK_CONFIG",
        locking.execute("k", () => {}, { provider: "nowhere" }),
      );
      await refusal("LOCK_CONFIG", locking.release("k", { provider: "lp_nowhere" }));
      await refusal("LOCK_CONFIG", locking.releaseAll({ provider: "lp_nowhere" }));
    },
  },
]);
