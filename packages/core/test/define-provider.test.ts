import { describe, expect, test } from "vitest";
import type { LockStore } from "../src/contract/lock-store.ts";
import { defineProvider } from "../src/engine/define-provider.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { ManualClock } from "./simulation/manual-clock.ts";
import { acquireArgs } from "./simulation/scripted-store.ts";
import { outcomeOf } from "./outcome.ts";
import { PlainStore } from "./plain-store.ts";
import { RecordingLogger } from "./recording-logger.ts";

function define(more: object): () => unknown {
  return () => defineProvider({ identifier: "plain", store: new PlainStore(), ...more });
}

describe("defineProvider", () => {
  test.each([
    ["no identifier", { identifier: undefined }],
    ["an empty identifier", { identifier: "" }],
    ["no store", { store: undefined }],
    ["a store without renew", { store: { take() {}, release() {}, releaseAll() {} } }],
    ["a batch of 0", { store: Object.assign(new PlainStore(), { batch: 0 }) }],
    ["a batch of a half", { store: Object.assign(new PlainStore(), { batch: 0.5 }) }],
  ])("refuses %s: LOCK_CONFIG", (_what, more) => {
    expect(define(more)).toThrowError(expect.objectContaining({ code: "LOCK_CONFIG" }));
  });

  test.each([
    { waitLockingTimeout: -1 },
    { waitLockingTimeout: "soon" },
    { lease: 0 },
    { callTimeout: "0ms" },
    { defaultRetryInterval: 0 },
    { maximumRetryInterval: NaN },
  ])("refuses a setting that is no duration: %o", (more) => {
    expect(define(more)).toThrowError(expect.objectContaining({ code: "LOCK_INVALID_ARGUMENT" }));
  });

  test("settings that are undefined are the defaults", () => {
    expect(define({ waitLockingTimeout: undefined, lease: undefined, callTimeout: undefined })).not.toThrow();
  });

  test("the default lease, and the timeout of a call that names none, are the provider's", async () => {
    const leases: number[] = [];
    class Noting extends PlainStore {
      override take(claims: Parameters<LockStore["take"]>[0]): ReturnType<PlainStore["take"]> {
        leases.push(...claims.map(({ lease }) => lease));
        return claims.map(() => ({ status: "busy", ownerId: null, freeIn: Infinity }));
      }
    }
    const provider = defineProvider({
      identifier: "plain",
      store: new Noting(),
      lease: "2m",
      waitLockingTimeout: "20ms",
    });
    const locking = await createLocking({ providers: [provider], logger: new RecordingLogger() });
    await expect(locking.execute("k", () => {})).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
      message: expect.stringMatching(/after 20 ms$/) as unknown,
    });
    expect(new Set(leases)).toEqual(new Set([120_000]));
    await locking.close();
  });

  test.each([
    [{ defaultRetryInterval: 50 }, 50],
    [{ defaultRetryInterval: "50ms" }, 50],
    [{ maximumRetryInterval: 3 }, 3],
    [{ maximumRetryInterval: "3ms" }, 3],
  ] as const)(
    "a pause between two tries is in milliseconds where it is a bare number: %o",
    async (more, pause) => {
      const clock = new ManualClock();
      const asked: number[] = [];
      const store = new PlainStore();
      store.take = (claims) => {
        asked.push(clock.now());
        return claims.map(() => ({ status: "busy", ownerId: null, freeIn: Infinity }));
      };
      const provider = defineProvider({ identifier: "plain", store, clock, ...more });
      const waiting = provider.acquire(["k"], { ...acquireArgs, awaitQueue: true, timeout: 100 }, undefined);
      const outcome = outcomeOf(waiting);
      await clock.run(200);
      expect(await outcome).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
      expect(asked[1]).toBe(pause);
    },
  );
});
