import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { createLocking, type Locking } from "@lock/core";
import { memoryProvider } from "../src/index.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that are kept of a use once it is over: what 40,000 more of them add, after the first 2,000. */
async function kept(use: (index: number) => Promise<unknown>): Promise<number> {
  const after: number[] = [];
  for (const end of [2_000, 42_000]) {
    for (let index = end === 2_000 ? 0 : 2_000; index < end; index += 1) await use(index);
    // What was just settled is let go of a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    after.push(process.memoryUsage().heapUsed);
  }
  return (after[1]! - after[0]!) / 40_000;
}

async function fresh(): Promise<Locking> {
  return createLocking({ providers: [memoryProvider()] });
}

describe("in memory", () => {
  test("no key takes space once nobody holds it or waits for it", async () => {
    const locking = await fresh();
    const uses: ((index: number) => Promise<unknown>)[] = [
      (index) => locking.execute(`job ${index}`, () => {}),
      async (index) =>
        (await locking.acquire(`lock ${index}`, { ownerId: `u${index}`, expire: 60 })).release(),
      async (index) => {
        await locking.acquire(`many ${index}`, { ownerId: "u" });
        await locking.releaseAll({ ownerId: "u" });
      },
      (index) => locking.inspect(`looked at ${index}`),
      async (index) => {
        const key = `refused ${index}`;
        const lock = await locking.acquire(key);
        await locking.acquire(key).catch(() => {});
        const controller = new AbortController();
        const args = { awaitQueue: true, signal: controller.signal };
        const waiting = locking.acquire([key, `beside ${index}`], args).catch(() => {});
        controller.abort();
        await waiting;
        await lock.release();
      },
    ];
    for (const use of uses) expect(await kept(use)).toBeLessThan(40);
    await locking.close();
  });

  test("each memoryProvider() is a world of its own", async () => {
    const [one, other] = await Promise.all([fresh(), fresh()]);
    const [first, second] = await Promise.all([one.acquire("k"), other.acquire("k")]);
    expect([first.fencingToken, second.fencingToken]).toEqual([1n, 1n]);
    await one.releaseAll();
    expect(await first.release()).toBe(false);
    expect(await second.release()).toBe(true);
    await Promise.all([one.close(), other.close()]);
  });
});
