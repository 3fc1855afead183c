import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LockingProviderClass } from "../src/contract/locking-provider.ts";
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

describe("a wait for it", () => {
  /** A class that grants when the test says so. */
  class Slow extends ByHand {
    readonly turn = deferred();
    readonly signals: AbortSignal[] = [];

    override async acquire(
      keys: readonly string[],
      args: { ownerId?: string | null; signal?: AbortSignal },
    ): Promise<void> {
      this.signals.push(args.signal!);
      await this.turn.promise;
      for (const key of keys) this.held.set(key, args.ownerId ?? null);
    }

    override async execute<T>(
      keys: readonly string[],
      job: () => Promise<T>,
      args: { signal?: AbortSignal },
    ): Promise<T> {
      this.signals.push(args.signal!);
      await this.turn.promise;
      return super.execute(keys, job, {});
    }
  }
  const slow = (): Slow => provider as Slow;
  const reason = new Error("enough");
  const never = (): never => {
    throw new Error("the job ran");
  };
  beforeEach(() => use(Slow));

  test("ends with signal.reason, and the class is told", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      locking.acquire("a", { awaitQueue: true, signal }),
      locking.execute("b", never, { signal }),
    ];
    const outcomes = calls.map(outcomeOf);
    await Promise.resolve();
    controller.abort(reason);
    for (const outcome of outcomes) expect(await outcome).toEqual({ error: reason });
    expect(slow().signals.map(({ reason }): unknown => reason)).toEqual([reason, reason]);
    slow().turn.resolve();
  });

  test("and a grant that comes late is given back", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const acquiring = outcomeOf(locking.acquire("a", { awaitQueue: true, ownerId: "u", signal }));
    const executing = outcomeOf(locking.execute("b", never, { signal }));
    controller.abort(reason);
    await Promise.all([acquiring, executing]);
    slow().turn.resolve();
    await locking.close();
    expect(provider.calls.at(-1)).toEqual(["release", ["a"], { ownerId: "u" }]);
    expect(provider.held.size).toBe(0);
  });

  test("ends with LOCK_CLOSED when the service closes, and what comes late is given back before the class is closed", async () => {
    const closed = deferred();
    Object.assign(provider, { close: () => closed.resolve() });
    const acquiring = outcomeOf(locking.acquire("a", { awaitQueue: true, timeout: Infinity }));
    const executing = outcomeOf(locking.execute("b", never, { timeout: Infinity }));
    const closing = locking.close();
    expect(await acquiring).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["a"] } });
    expect(await executing).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["b"] } });
    expect(slow().signals.every(({ aborted }) => aborted)).toBe(true);
    slow().turn.resolve();
    await closing;
    await closed.promise;
    expect(provider.held.size).toBe(0);
    expect(logger.at("warn")).toEqual([]);
  });

  test("a class is not closed before what comes late was given back, also where no job runs", async () => {
    const order: string[] = [];
    const release = provider.release.bind(provider);
    provider.release = (keys, args) => {
      order.push("release");
      return release(keys, args);
    };
    Object.assign(provider, { close: () => void order.push("close") });
    const acquiring = outcomeOf(locking.acquire("a", { awaitQueue: true }));
    await Promise.resolve();
    const closing = locking.close();
    await acquiring;
    slow().turn.resolve();
    await closing;
    expect(order).toEqual(["release", "close"]);
    expect(provider.held.size).toBe(0);
  });

  test("that is over never hears of a later abort: once a job runs it is the job's business", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const job = deferred<string>();
    const started = deferred();
    const outcome = locking.execute(
      "b",
      () => {
        started.resolve();
        return job.promise;
      },
      { signal },
    );
    slow().turn.resolve();
    await started.promise;
    controller.abort(reason);
    const closing = locking.close();
    expect(slow().signals[0]!.aborted).toBe(false);
    job.resolve("done");
    expect(await outcome).toBe("done");
    await closing;
  });
});
