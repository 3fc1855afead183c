import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LockError } from "../src/contract/errors.ts";
import type { LockingProviderClass, ProviderGrant } from "../src/contract/locking-provider.ts";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { ByHand } from "./by-hand.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

let logger: RecordingLogger;
let provider: ByHand;
let locking: Locking;

async function use(Class: LockingProviderClass): Promise<void> {
  await locking?.close();
  const options = { onMade: (made: ByHand) => (provider = made) };
  locking = await createLocking({ providers: [{ resolve: Class, options }], logger });
}
beforeEach(async () => {
  logger = new RecordingLogger();
  await use(ByHand);
});
afterEach(() => locking.close());

describe("a provider class", () => {
  test("receives keys as a checked array without repeats, and durations in seconds", async () => {
    const args = { timeout: "1500ms", expire: "1m", limit: 1 } as const;
    await locking.execute(["b", "a", "b"], () => {}, args);
    await locking.acquire("k", { ...args, ownerId: "u", awaitQueue: true });
    await locking.release("k", { ownerId: "u" });
    await locking.releaseAll({ ownerId: "u" });
    const clean = { timeout: 1.5, expire: 60, limit: 1, signal: expect.any(AbortSignal) as unknown };
    expect(provider.calls).toEqual([
      ["execute", ["b", "a"], clean],
      ["acquire", ["k"], { ...clean, ownerId: "u", awaitQueue: true }],
      ["release", ["k"], { ownerId: "u" }],
      ["releaseAll", { ownerId: "u" }],
    ]);
  });

  test("is told neither timeout nor expire where the caller gave none", async () => {
    await locking.execute("k", () => {}, { timeout: 0.5 });
    expect(provider.calls[0]![2]).toEqual({ limit: 1, signal: expect.any(AbortSignal) as unknown });
  });

  test("that connects says so, under its registered id", async () => {
    class Connecting extends ByHand {
      async connect(): Promise<void> {}
    }
    await use(Connecting);
    expect(logger.at("info")).toContain('Connection in "by-hand" provider established');
  });

  test("may have its methods as members", async () => {
    class Members {
      static readonly identifier = "members";
      acquire = async (): Promise<void> => {};
      execute = <T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> => job();
      release = (): Promise<boolean> => Promise.resolve(true);
      releaseAll = async (): Promise<void> => {};
    }
    await use(Members);
    expect(await locking.execute("k", () => "done")).toBe("done");
  });

  test("without one of the four methods, or an identifier, is LOCK_CONFIG", async () => {
    class Half {
      static readonly identifier = "half";
      async acquire(): Promise<void> {}
    }
    class Nameless extends ByHand {
      static override readonly identifier: string = "";
    }
    for (const resolve of [Half, Nameless] as never[]) {
      await expect(createLocking({ providers: [{ resolve }], logger })).rejects.toMatchObject({
        code: "LOCK_CONFIG",
      });
    }
  });

  test("what its manifest does not offer is LOCK_UNSUPPORTED, before it is asked", async () => {
    const transaction = { transactionManager: {} };
    const calls = [
      locking.execute("k", () => {}, { limit: 2 }),
      locking.acquire("k", { limit: Infinity }),
      locking.inspect("k"),
      locking.execute("k", () => {}, {}, transaction),
      locking.acquire("k", {}, transaction),
      locking.release("k", {}, transaction),
    ];
    for (const call of calls) {
      expect(await outcomeOf(call)).toMatchObject({ error: { code: "LOCK_UNSUPPORTED", keys: ["k"] } });
    }
    await expect(locking.releaseAll({}, transaction)).rejects.toMatchObject({ code: "LOCK_UNSUPPORTED" });
    expect(provider.calls).toEqual([]);
    await locking.execute("k", () => {}, {}, { transactionManager: undefined, other: 1 });
  });

  test("fails with LOCK_UNAVAILABLE, whatever it throws that has no code", async () => {
    const cause = new Error("socket hang up");
    const fail = (): never => {
      throw cause;
    };
    Object.assign(provider, {
      acquire: fail,
      execute: fail,
      release: fail,
      releaseAll: () => Promise.reject(cause),
    });
    const calls = [
      locking.acquire("k"),
      locking.execute("k", () => {}),
      locking.release("k"),
      locking.releaseAll(),
    ];
    for (const call of calls) {
      expect(await outcomeOf(call)).toMatchObject({ error: { code: "LOCK_UNAVAILABLE", cause } });
    }
  });

  test("refuses with the codes of the contract", async () => {
    await locking.acquire("k", { ownerId: "v" });
    await expect(locking.acquire("k", { ownerId: "u" })).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  });
});

describe("its jobs", () => {
  test("hand on their result or error untouched", async () => {
    const error = new Error("the job's own");
    expect(await locking.execute("k", (lock) => lock.keys)).toEqual(["k"]);
    expect(await outcomeOf(locking.execute("k", () => Promise.reject(error)))).toEqual({ error });
    const thrown = (): never => {
      throw error;
    };
    expect(await outcomeOf(locking.execute("k", thrown))).toEqual({ error });
    expect(provider.held.size).toBe(0);
  });

  test("are run once, also when the class tries it again", async () => {
    class Insisting extends ByHand {
      override async execute<T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> {
        await job().catch(() => {});
        return job();
      }
    }
    await use(Insisting);
    let runs = 0;
    expect(await locking.execute("k", () => (runs += 1))).toBe(1);
    expect(runs).toBe(1);
    expect(logger.at("warn")).toHaveLength(1);
  });

  test("not run at all, or not waited for, is the provider's failure", async () => {
    class Forgetful extends ByHand {
      override execute<T>(): Promise<T> {
        return Promise.resolve(undefined as T);
      }
    }
    await use(Forgetful);
    await expect(locking.execute("k", () => {})).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
  });

  test("are not run for a call that has failed already", async () => {
    const late = deferred();
    class Racing extends ByHand {
      override execute<T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> {
        const waiting = late.promise.then(job);
        return Promise.race([waiting, Promise.reject(new LockError("LOCK_TIMEOUT", "Timed-out"))]);
      }
    }
    await use(Racing);
    let runs = 0;
    const outcome = await outcomeOf(locking.execute("k", () => (runs += 1)));
    expect(outcome).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
    late.resolve();
    await locking.close();
    expect(runs).toBe(0);
  });

  test("are lost when the class lets go of them while they run, and waited for", async () => {
    const cut = new Error("session ended");
    const ends = [
      (): Promise<never> => Promise.reject(cut),
      (): Promise<undefined> => Promise.resolve(undefined),
    ];
    for (const end of ends) {
      class LettingGo extends ByHand {
        override execute<T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> {
          void job();
          return end() as Promise<T>;
        }
      }
      await use(LettingGo);
      const done = deferred();
      let signal!: AbortSignal;
      const outcome = outcomeOf(
        locking.execute("k", async (lock) => {
          ({ signal } = lock);
          await done.promise;
        }),
      );
      await once(signal, "abort");
      done.resolve();
      expect(await outcome).toEqual({ error: signal.reason as unknown });
      expect(signal.reason).toMatchObject({ code: "LOCK_LOST", keys: ["k"] });
    }
  });

  test("keep their result when the release behind them fails, which is logged", async () => {
    for (const code of [undefined, "LOCK_UNAVAILABLE"] as const) {
      class Failing extends ByHand {
        override async execute<T>(_keys: readonly string[], job: () => Promise<T>): Promise<T> {
          await job();
          throw code === undefined
            ? new Error("cut")
            : new (await import("../src/index.ts")).LockError(code, "cut");
        }
      }
      await use(Failing);
      expect(await locking.execute("k", () => "done")).toBe("done");
      expect(logger.at("warn").at(-1)).toContain("cut");
    }
  });

  test("that ran unprotected are not reported as a success", async () => {
    const lossy = new AbortController();
    class Lossy extends ByHand {
      override execute<T>(_keys: readonly string[], job: (grant?: ProviderGrant) => Promise<T>): Promise<T> {
        return job({ signal: lossy.signal });
      }
    }
    await use(Lossy);
    const failure = new Error("the job's own");
    const outcome = await outcomeOf(
      locking.execute("k", async (lock) => {
        const { signal } = lock;
        lossy.abort(new Error("session ended"));
        expect(signal.reason).toMatchObject({ code: "LOCK_LOST" });
        expect(lock.remaining()).toBe(0);
        throw failure;
      }),
    );
    expect(outcome).toMatchObject({ error: { code: "LOCK_LOST", cause: failure } });
  });

  test("have no fencing token and can't extend or release: LOCK_UNSUPPORTED", async () => {
    const unsupported = { error: { code: "LOCK_UNSUPPORTED" } };
    await locking.execute("k", async (lock) => {
      expect(() => lock.fencingToken).toThrowError(expect.objectContaining({ code: "LOCK_UNSUPPORTED" }));
      expect(await outcomeOf(lock.extend(5))).toMatchObject(unsupported);
      expect(await outcomeOf(lock.release())).toMatchObject(unsupported);
    });
  });
});

describe("close", () => {
  test("after drain aborts the signals of the jobs that still run", async () => {
    const job = deferred();
    const started = deferred<AbortSignal>();
    const outcome = outcomeOf(
      locking.execute("k", (lock) => {
        started.resolve(lock.signal);
        return job.promise;
      }),
    );
    const signal = await started.promise;
    await locking.close({ drain: "20ms" });
    expect(signal.reason).toMatchObject({ code: "LOCK_CLOSED" });
    job.resolve();
    expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    await expect(locking.acquire("k")).rejects.toMatchObject({ code: "LOCK_CLOSED", keys: ["k"] });
  });

  test("that the class fails is logged", async () => {
    Object.assign(provider, { close: () => Promise.reject(new Error("already gone")) });
    await locking.close();
    expect(logger.at("warn")).toEqual([expect.stringContaining("already gone")]);
  });
});
