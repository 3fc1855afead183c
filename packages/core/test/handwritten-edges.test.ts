import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ProviderGrant } from "../src/contract/locking-provider.ts";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { ByHand } from "./by-hand.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

let logger: RecordingLogger;
let provider: ByHand;
let locking: Locking;
beforeEach(async () => {
  logger = new RecordingLogger();
  const options = { onMade: (made: ByHand) => (provider = made) };
  locking = await createLocking({ providers: [{ resolve: ByHand, options }], logger });
});
afterEach(() => locking.close());

const lost = { error: { code: "LOCK_LOST", keys: ["k"] } };
const soon = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("a handle", () => {
  test("that is extended twice at once asks for one after the other: the last that was asked for counts", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: 30 });
    const slow = deferred();
    const sent: unknown[] = [];
    provider.acquire = (_keys, { expire }) => {
      sent.push(expire);
      return expire === 60 ? slow.promise : Promise.resolve();
    };
    const both = [lock.extend(60), lock.extend(1)];
    await soon();
    expect(sent).toEqual([60]);
    slow.resolve();
    await Promise.all(both);
    expect(sent).toEqual([60, 1]);
    expect(lock.remaining()).toBeLessThanOrEqual(1_000);
  });

  test("that could not be extended lets the next one try", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: 30 });
    const acquire = provider.acquire.bind(provider);
    let cut = true;
    provider.acquire = (keys, args) => {
      if (!cut) return acquire(keys, args);
      cut = false;
      return Promise.reject(new Error("cut"));
    };
    const [first, second] = [outcomeOf(lock.extend(60)), outcomeOf(lock.extend(60))];
    expect(await first).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(await second).toEqual({ value: undefined });
    expect(lock.remaining()).toBeGreaterThan(50_000);
  });

  test("that is released while it is extended is not taken again by that", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: 30 });
    const acquire = provider.acquire.bind(provider);
    const cut = deferred();
    // Its class asks again after a moment, as clients do.
    provider.acquire = (keys, args) => cut.promise.then(() => acquire(keys, args));
    const extended = outcomeOf(lock.extend(60));
    const released = lock.release();
    await soon();
    cut.resolve();
    expect(await released).toBe(true);
    await extended;
    expect(provider.held.size).toBe(0);
  });

  test("is lost where its provider says so with the error of another copy of this package", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: 30 });
    const { signal } = lock;
    vi.resetModules();
    const other = await import("../src/contract/errors.ts");
    provider.acquire = () => Promise.reject(new other.LockLostError("gone", { keys: ["k"] }));
    expect(await outcomeOf(lock.extend(5))).toMatchObject(lost);
    expect(signal.aborted).toBe(true);
    expect(await lock.release()).toBe(false);
    expect(provider.calls.map(([name]) => name)).toEqual(["acquire"]);
  });
});

test("a lock that was gone when it was extended is lost, also where what was taken anew can't be given back", async () => {
  class Fencing extends ByHand {
    static override readonly identifier: string = "fencing";
    readonly capabilities = { fencing: true };
    token = 0n;

    override acquire(): Promise<ProviderGrant> {
      this.token += 1n;
      return Promise.resolve({ fencingToken: this.token });
    }

    override release(): Promise<boolean> {
      return Promise.reject(new Error("cut"));
    }
  }
  await using over = await createLocking({ providers: [{ resolve: Fencing, options: {} }], logger });
  const lock = await over.acquire("k", { ownerId: "u" });
  expect(await outcomeOf(lock.extend(5))).toMatchObject(lost);
  expect(() => lock.assertHeld()).toThrowError(expect.objectContaining({ code: "LOCK_LOST" }));
  expect(logger.at("warn")).toEqual([expect.stringContaining("cut")]);
});

describe("an abort from within the class's own call", () => {
  test("ends acquire at once, and what comes late is given back", async () => {
    const controller = new AbortController();
    const turn = deferred();
    provider.acquire = (keys) => {
      controller.abort("enough");
      return turn.promise.then(() => void provider.held.set(keys[0]!, null));
    };
    const outcome = outcomeOf(locking.acquire("k", { signal: controller.signal }));
    expect(await Promise.race([outcome, soon()])).toEqual({ error: "enough" });
    turn.resolve();
    await soon();
    expect(provider.held.size).toBe(0);
  });

  test("ends execute at once", async () => {
    const controller = new AbortController();
    provider.execute = () => {
      controller.abort("enough");
      return new Promise(() => {});
    };
    const outcome = outcomeOf(locking.execute("k", () => {}, { signal: controller.signal }));
    expect(await Promise.race([outcome, soon()])).toEqual({ error: "enough" });
  });
});

describe("close", () => {
  test("lets jobs run for longer than a timer's range", async () => {
    vi.useFakeTimers();
    try {
      const done = deferred();
      let signal!: AbortSignal;
      const job = locking.execute("k", (lock) => {
        ({ signal } = lock);
        return done.promise;
      });
      const closing = locking.close({ drain: "40d" });
      await vi.advanceTimersByTimeAsync(39 * 86_400_000);
      expect(signal.aborted).toBe(false);
      done.resolve();
      await Promise.all([job, closing]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("waits for a class to give back the lock of a job that is done", async () => {
    const done = deferred();
    const freeing = deferred();
    const heard: string[] = [];
    provider.execute = async (_keys, job) => {
      const value = await job();
      await freeing.promise;
      heard.push("freed");
      return value;
    };
    Object.assign(provider, { close: () => void heard.push("closed") });
    const job = locking.execute("k", () => done.promise);
    await soon();
    const closing = locking.close();
    done.resolve();
    await soon();
    freeing.resolve();
    await Promise.all([job, closing]);
    expect(heard).toEqual(["freed", "closed"]);
  });

  test("keeps a class whose locks live with its connection open until its jobs have settled", async () => {
    let open = true;
    class Session extends ByHand {
      static override readonly identifier: string = "session";
      readonly capabilities = { crashRelease: "session" } as const;

      close(): void {
        open = false;
      }
    }
    const over = await createLocking({ providers: [{ resolve: Session, options: {} }], logger });
    const done = deferred();
    const job = outcomeOf(over.execute("k", () => done.promise));
    await soon();
    await over.close({ drain: 0 });
    expect(open).toBe(true);
    done.resolve();
    expect(await job).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    await soon();
    expect(open).toBe(false);
  });
});
