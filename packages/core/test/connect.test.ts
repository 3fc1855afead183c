import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { ByHand } from "./by-hand.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { PlainStore, plainProvider } from "./plain-store.ts";
import { RecordingLogger } from "./recording-logger.ts";

const logger = new RecordingLogger();
let store: PlainStore;
beforeEach(() => {
  store = new PlainStore();
});

describe("createLocking", () => {
  test("connects what it registers, under the registered id", async () => {
    const ids: string[] = [];
    store.connect = ((context: { id: string }) => void ids.push(context.id)) as () => void;
    const providers = [{ resolve: () => plainProvider({ store }), id: "second" }];
    await (await createLocking({ providers, logger })).close();
    expect(ids).toEqual(["second"]);
    expect(store.closed).toBe(1);
  });

  test("rejects with LOCK_UNAVAILABLE if a backend can't be reached, closing what it opened", async () => {
    const other = new PlainStore();
    const cause = new Error("ECONNREFUSED");
    store.connect = () => Promise.reject(cause);
    const providers = [plainProvider({ store: other, identifier: "other" }), plainProvider({ store })];
    await expect(createLocking({ providers, logger })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringMatching(/"lp_plain".*ECONNREFUSED/) as unknown,
      cause,
    });
    expect([other.connected, other.closed, store.closed]).toEqual([1, 1, 1]);
  });

  test("hands on what a provider says of itself with a code", async () => {
    const { LockError } = await import("../src/contract/errors.ts");
    store.connect = () => Promise.reject(new LockError("LOCK_CONFIG", "run npx lock-plain migrate"));
    await expect(createLocking({ providers: [plainProvider({ store })], logger })).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: "run npx lock-plain migrate",
    });
  });

  test("a provider that can't be closed either does not hide why it failed", async () => {
    store.connect = () => Promise.reject(new Error("ECONNREFUSED"));
    store.close = () => Promise.reject(new Error("never opened"));
    await expect(createLocking({ providers: [plainProvider({ store })], logger })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
    });
  });
});

describe("in time", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("it gives up within 10 s when nothing answers, not even the close", async () => {
    store.connect = () => new Promise(() => {});
    store.close = () => new Promise(() => {});
    const outcome = outcomeOf(createLocking({ providers: [plainProvider({ store })], logger }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("also when a class by hand does not answer", async () => {
    class Silent {
      static readonly identifier = "silent";
      connect(): Promise<void> {
        return new Promise(() => {});
      }
      close(): Promise<void> {
        return new Promise(() => {});
      }
      async acquire(): Promise<void> {}
      execute<T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> {
        return job();
      }
      release(): Promise<boolean> {
        return Promise.resolve(true);
      }
      async releaseAll(): Promise<void> {}
    }
    const outcome = outcomeOf(createLocking({ providers: [{ resolve: Silent }], logger }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a lazy call that gave up is joined by the next, not followed by a second connection", async () => {
    const opened = deferred();
    store.connect = () => {
      store.connected += 1;
      return opened.promise;
    };
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    const first = outcomeOf(locking.execute("k", () => "done"));
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await first).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    const second = locking.execute("k", () => "done");
    opened.resolve();
    expect(await second).toBe("done");
    expect(store.connected).toBe(1);
    await locking.close();
  });
});

describe("with lazy", () => {
  test("the first use connects, once", async () => {
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    expect(store.connected).toBe(0);
    const all = ["a", "b", "c"].map((key) => locking.execute(key, () => key));
    expect(await Promise.all(all)).toEqual(["a", "b", "c"]);
    await (await locking.acquire("k")).release();
    expect(store.connected).toBe(1);
    await locking.close();
  });

  test("after a failure the next use tries again", async () => {
    let failures = 2;
    store.connect = () => {
      failures -= 1;
      return failures < 0 ? undefined : Promise.reject(new Error("not yet"));
    };
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    await expect(locking.release("k")).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    await expect(locking.execute("k", () => {})).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    expect(await locking.release("k")).toBe(true);
    await locking.close();
  });

  test("a connect that throws at once is tried again too", async () => {
    let failures = 1;
    store.connect = () => {
      failures -= 1;
      if (failures >= 0) throw new Error("not yet");
    };
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    await expect(locking.release("k")).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    expect(await locking.release("k")).toBe(true);
    await locking.close();
  });

  test("an abort ends the wait for the connection too", async () => {
    const opened = deferred();
    store.connect = () => opened.promise;
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    const controller = new AbortController();
    const { signal } = controller;
    const outcomes = [locking.execute("k", () => {}, { signal }), locking.acquire("k", { signal })].map(
      outcomeOf,
    );
    controller.abort("why");
    for (const outcome of outcomes) expect(await outcome).toEqual({ error: "why" });
    opened.resolve();
    await locking.close();
  });

  test("the wait for the connection is part of the call's timeout", async () => {
    store.connect = () => new Promise(() => {});
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    const args = { timeout: "50ms", awaitQueue: true } as const;
    const since = performance.now();
    for (const outcome of [locking.execute("k", () => {}, args), locking.acquire("k", args)].map(outcomeOf))
      expect(await outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE", keys: ["k"] } });
    expect(performance.now() - since).toBeLessThan(1_000);
    await locking.close();
  });

  test("what is left of the timeout is waited for the lock", async () => {
    const waits: number[] = [];
    class Told extends ByHand {
      static override readonly identifier: string = "told";
      connect(): Promise<void> {
        return new Promise((resolve) => void setTimeout(resolve, 200));
      }
      override async acquire(_keys: readonly string[], args: { timeout?: number }): Promise<void> {
        waits.push(args.timeout ?? NaN);
      }
      override execute<T>(
        _keys: readonly string[],
        job: () => Promise<T>,
        args: { timeout?: number },
      ): Promise<T> {
        waits.push(args.timeout ?? NaN);
        return job();
      }
    }
    const make = (): Promise<Locking> =>
      createLocking({ providers: [{ resolve: Told, options: {} }], logger, lazy: true });
    for (const timeout of [2, "0ms", Infinity] as const) {
      await using one = await make();
      await one.execute("k", () => {}, { timeout });
      await using other = await make();
      await other.acquire("k", { timeout, awaitQueue: true });
    }
    expect(waits.map((wait) => Math.round(wait * 10) / 10)).toEqual([1.8, 1.8, 0, 0, Infinity, Infinity]);
  });

  test("a call that does not wait for the lock has the time that connecting takes", async () => {
    store.connect = () => new Promise((resolve) => void setTimeout(resolve, 50));
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    await locking.acquire("k", { timeout: "1ms" });
    await locking.close();
  });

  test("closed while the first use connects, that use gets LOCK_CLOSED and nothing stays open", async () => {
    const opened = deferred();
    store.connect = () => opened.promise;
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    const outcome = outcomeOf(locking.execute("k", () => {}));
    const closing = locking.close();
    opened.resolve();
    expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    await closing;
    expect(store.closed).toBeGreaterThan(0);
  });

  test("nor does that use wait for a connection that does not come", async () => {
    store.connect = () => new Promise(() => {});
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    const outcomes = [locking.execute("k", () => {}), locking.acquire("k"), locking.release("k")].map(
      outcomeOf,
    );
    await locking.close();
    for (const outcome of outcomes)
      expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["k"] } });
  });

  test("closed before its first use, it never connects", async () => {
    const locking = await createLocking({ providers: [plainProvider({ store })], logger, lazy: true });
    await locking.close();
    await expect(locking.execute("k", () => {})).rejects.toMatchObject({ code: "LOCK_CLOSED", keys: ["k"] });
    expect(store.connected).toBe(0);
  });
});

describe("the default logger", () => {
  test("writes only warnings and errors, to the console", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const info = vi.spyOn(console, "info").mockImplementation(() => {});
    try {
      const locking = await createLocking({
        providers: [plainProvider({ identifier: "a" }), plainProvider({ identifier: "b" })],
      });
      await locking.close();
      expect(warn).toHaveBeenCalledTimes(1);
      expect(info).not.toHaveBeenCalled();
    } finally {
      warn.mockRestore();
      info.mockRestore();
    }
  });
});
