import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryProvider } from "@lock/provider-memory";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

const reentrant = { error: { code: "LOCK_REENTRANT" } };
let locking: Locking;
beforeAll(async () => {
  locking = await createLocking({
    providers: [
      { resolve: memoryProvider, id: "one", isDefault: true },
      { resolve: memoryProvider, id: "other" },
    ],
    logger: new RecordingLogger(),
  });
});
afterAll(() => locking.close());

describe("on a key that an enclosing execute still holds", () => {
  test("execute is refused at once, and the outer goes on", async () => {
    const seen = await locking.execute("a", async () => outcomeOf(locking.execute("a", () => "inner")));
    expect(seen).toMatchObject({ error: { code: "LOCK_REENTRANT", keys: ["a"] } });
  });

  test("whatever the limit, among several keys, and from any depth", async () => {
    await locking.execute(
      ["a", "b"],
      () =>
        locking.execute("c", async () => {
          await Promise.resolve();
          const calls = [
            locking.execute(["d", "b"], () => {}, { limit: 5 }),
            locking.execute("c", () => {}, { timeout: Infinity }),
            locking.execute("a", () => {}, { timeout: "0ms" }),
          ];
          for (const call of calls) expect(await outcomeOf(call)).toMatchObject(reentrant);
        }),
      { limit: 2 },
    );
  });

  test("a waiting acquire is refused; one that does not wait is told that it is held", async () => {
    await locking.execute("a", async () => {
      expect(await outcomeOf(locking.acquire("a", { awaitQueue: true }))).toMatchObject(reentrant);
      expect(await outcomeOf(locking.acquire("a"))).toMatchObject({ error: { code: "LOCK_NOT_ACQUIRED" } });
    });
  });
});

describe("nothing is refused", () => {
  test("on another key", async () => {
    expect(await locking.execute("a", () => locking.execute("b", () => "inner"))).toBe("inner");
  });

  test("through another provider", async () => {
    const inner = { provider: "lp_other" };
    expect(await locking.execute("a", () => locking.execute("a", () => "inner", inner))).toBe("inner");
  });

  test("once the outer lock was released early", async () => {
    const seen = await locking.execute("a", async (lock) => {
      await lock.release();
      return locking.execute("a", () => "inner");
    });
    expect(seen).toBe("inner");
  });

  test("once the outer lock was lost", async () => {
    const inner = deferred<unknown>();
    const outer = locking.execute("a", async () => {
      await locking.releaseAll();
      inner.resolve(await outcomeOf(locking.execute("a", () => "inner")));
    });
    expect(await outcomeOf(outer)).toMatchObject({ error: { code: "LOCK_LOST" } });
    expect(await inner.promise).toEqual({ value: "inner" });
  });

  test("to work that outlives the job", async () => {
    const done = deferred();
    let detached: Promise<string> | undefined;
    await locking.execute("a", () => {
      detached = done.promise.then(() => locking.execute("a", () => "detached"));
    });
    done.resolve();
    expect(await detached).toBe("detached");
  });

  test("to strangers that call meanwhile: they wait", async () => {
    const job = deferred();
    const outer = locking.execute("a", () => job.promise);
    const stranger = locking.execute("a", () => "stranger");
    job.resolve();
    await outer;
    expect(await stranger).toBe("stranger");
  });
});

const liveOf = (jobs: readonly WeakRef<object>[]): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return jobs.filter((each) => each.deref() !== undefined).length;
};

test("work that outlives its job and goes on locking keeps no chain of what is over", async () => {
  const jobs: WeakRef<object>[] = [];
  let next: Promise<void> = Promise.resolve();
  const again = (left: number): Promise<void> =>
    locking.execute("a", (lock) => {
      jobs.push(new WeakRef(lock));
      if (left > 0) next = new Promise((resolve) => setImmediate(resolve)).then(() => again(left - 1));
    });
  await again(50);
  for (let turn = 0; turn < 50; turn += 1) await next;
  expect(jobs).toHaveLength(51);
  expect(liveOf(jobs)).toBeLessThan(10);
});

test("nor do jobs that each end once the next, on another key, has begun", async () => {
  const jobs: WeakRef<object>[] = [];
  const turns = Array.from({ length: 51 }, () => deferred());
  const all: Promise<void>[] = [];
  const begin = (turn: number): void => {
    const running = locking.execute(`k${turn}`, async (lock) => {
      jobs.push(new WeakRef(lock));
      await turns[turn]!.promise;
      if (turn < 50) begin(turn + 1);
    });
    all.push(running);
  };
  begin(0);
  for (const turn of turns) {
    turn.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    if (jobs.length === 51) break;
  }
  expect(jobs).toHaveLength(51);
  expect(liveOf(jobs)).toBeLessThan(10);
  turns.at(-1)!.resolve();
  await Promise.all(all);
});
