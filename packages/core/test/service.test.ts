import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryProvider } from "@lock/provider-memory";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

let locking: Locking;
beforeEach(async () => {
  locking = await createLocking({ providers: [memoryProvider()], logger: new RecordingLogger() });
});
afterEach(() => locking.close());

describe("every method", () => {
  test("rejects, and never throws, for arguments that it refuses", async () => {
    const wrong = locking as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const calls = [
      () => wrong["execute"]!("", () => {}),
      () => wrong["execute"]!("k"),
      () => wrong["execute"]!("k", () => {}, null),
      () => wrong["acquire"]!([]),
      () => wrong["acquire"]!("k", 5),
      () => wrong["release"]!(undefined),
      () => wrong["release"]!("k", "u"),
      () => wrong["releaseAll"]!(null),
      () => wrong["releaseAll"]!(["u"]),
      () => wrong["releaseAll"]!({ ownerId: undefined }),
      () => wrong["inspect"]!(5),
      () => wrong["inspect"]!("k", null),
      () => wrong["close"]!({ drain: -1 }),
    ];
    for (const call of calls) {
      expect(await outcomeOf(call())).toMatchObject({ error: { code: "LOCK_INVALID_ARGUMENT" } });
    }
  });

  test("is refused with LOCK_CLOSED and its keys after close", async () => {
    await locking.close();
    const calls = [
      locking.execute("k", () => {}),
      locking.acquire("k"),
      locking.release("k"),
      locking.inspect("k"),
    ];
    for (const call of calls)
      expect(await outcomeOf(call)).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["k"] } });
    expect(await outcomeOf(locking.releaseAll())).toMatchObject({ error: { code: "LOCK_CLOSED" } });
  });
});

describe("execute", () => {
  test("hands on what the job returns or throws, at once or later, untouched", async () => {
    const error = new Error("the job's own");
    const value = { of: "the job" };
    expect(await locking.execute("k", () => value)).toBe(value);
    expect(await locking.execute("k", async () => value)).toBe(value);
    const thrown = (): never => {
      throw error;
    };
    expect(await outcomeOf(locking.execute("k", thrown))).toEqual({ error });
    expect(await outcomeOf(locking.execute("k", () => Promise.reject(error)))).toEqual({ error });
    expect(await locking.inspect("k")).toMatchObject([{ holders: [], waiting: 0 }]);
  });

  test("takes a job that throws nothing at all as it is", async () => {
    const nothing = (): never => {
      throw undefined;
    };
    expect(await outcomeOf(locking.execute("k", nothing))).toEqual({ error: undefined });
  });
});

describe("releaseAll", () => {
  test("with an ownerId that is written but undefined frees nothing", async () => {
    const lock = await locking.acquire("k");
    const missing: { id?: string } = {};
    await expect(locking.releaseAll({ ownerId: missing.id })).rejects.toMatchObject({
      code: "LOCK_INVALID_ARGUMENT",
    });
    expect(await lock.release()).toBe(true);
  });

  test("sees an ownerId that is inherited, as the other calls do", async () => {
    class Args {
      get ownerId(): string | undefined {
        return "u";
      }
    }
    class Missing extends Args {
      override get ownerId(): undefined {
        return undefined;
      }
    }
    const [own, other] = await Promise.all([locking.acquire("a", { ownerId: "u" }), locking.acquire("b")]);
    await locking.releaseAll(new Args());
    await expect(locking.releaseAll(new Missing())).rejects.toMatchObject({ code: "LOCK_INVALID_ARGUMENT" });
    expect(await own.release()).toBe(false);
    expect(await other.release()).toBe(true);
  });

  test("leaves no owner out, nor only null in", async () => {
    const all = await Promise.all([locking.acquire("a", { ownerId: "u" }), locking.acquire("b")]);
    await locking.releaseAll({ ownerId: null });
    for (const lock of all) expect(await lock.release()).toBe(false);
  });
});

describe("close", () => {
  test("is what leaving the scope of the service does", async () => {
    const job = deferred();
    const running = locking.execute("k", () => job.promise);
    const disposing = locking[Symbol.asyncDispose]();
    expect(await outcomeOf(locking.acquire("k"))).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    job.resolve();
    await Promise.all([running, disposing]);
  });
});
