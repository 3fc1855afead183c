import type { Opened } from "../contender.ts";

/** Bytes of heap, without the promise and the closure that the caller itself brings. */
export interface Sizes {
  readonly held: number;
  readonly waiter: number;
}

/** What the callers have in hand. Its place is there before anything is measured. */
let kept: unknown[] = [];

const forever: Promise<void> = new Promise(() => {});

/** What so many calls leave on the heap. */
async function growth(count: number, call: (n: number) => unknown): Promise<number> {
  const before = await settledHeap();
  for (let n = 0; n < count; n += 1) kept.push(call(n));
  return ((await settledHeap()) - before) / count;
}

async function settledHeap(): Promise<number> {
  for (let time = 0; time < 4; time += 1) {
    await new Promise(setImmediate);
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

export async function measureBytes(opened: Opened, count: number): Promise<Sizes> {
  const keys = Array.from({ length: count }, (_, n) => `bytes-${process.pid}-${n}`);
  kept = new Array<unknown>(4 * count);
  kept.length = 0;
  const { hold } = opened;
  if (hold !== undefined) {
    // Nobody has anything in hand of a lock that is kept by its owner's name.
    const held = await growth(count, async (n) => void (await hold(keys[n]!)));
    const promise = await growth(count, async () => {});
    return { held: held - promise, waiter: Number.NaN };
  }
  // What an async function that never returns costs whoever calls it.
  const own = await growth(count, async () => forever);
  const held = await growth(count, (n) => opened.run(keys[n]!, () => forever));
  kept.push(opened.run("held", () => forever));
  const waiter = await growth(count, () => opened.run("held", () => forever));
  return { held: held - own, waiter: waiter - own };
}
