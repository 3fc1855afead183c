import type { Locking } from "@lock/core";
import type { BackendName } from "../contenders/of-backend.ts";
import { median } from "../statistics/spread.ts";
import { ourLocking } from "./our-locking.ts";

interface Place {
  readonly backend: BackendName;
  readonly url: string;
}

/** Medians, in microseconds. */
export interface HeldCosts {
  readonly acquire: number;
  readonly renew: number;
  readonly release: number;
  /** Of an owner of 10 locks. */
  readonly releaseAll: number;
}

const PER_OWNER = 10;
/** How many are asked for at once while it is filled: that is not timed. */
const AT_ONCE = 2_000;
/** Long enough that none expires while it is measured. */
const EXPIRE = "1h";

const held = new Map<string, number>();

async function take(locking: Locking, n: number): Promise<void> {
  const ownerId = `owner-${Math.floor(n / PER_OWNER)}`;
  await locking.acquire(`held-${n}`, { ownerId, expire: EXPIRE });
}

/** Adds locks of owners until so many are held. How many were added. */
export async function fill({ backend, url, upTo }: Place & { upTo: number }): Promise<number> {
  const locking = await ourLocking(backend, url);
  const begin = held.get(backend) ?? 0;
  for (let from = begin; from < upTo; from += AT_ONCE) {
    const many = Math.min(AT_ONCE, upTo - from);
    await Promise.all(Array.from({ length: many }, (_, n) => take(locking, from + n)));
  }
  held.set(backend, Math.max(begin, upTo));
  return Math.max(0, upTo - begin);
}

/** What one more costs beside those that are held. */
export async function measureHeld({
  backend,
  url,
  operations,
}: Place & { operations: number }): Promise<HeldCosts> {
  const locking = await ourLocking(backend, url);
  const took: Record<keyof HeldCosts, number[]> = { acquire: [], renew: [], release: [], releaseAll: [] };
  const timed = async (what: keyof HeldCosts, work: () => Promise<unknown>): Promise<void> => {
    const begin = performance.now();
    await work();
    took[what].push((performance.now() - begin) * 1000);
  };
  for (let time = 0; time < operations; time += 1) {
    const [key, ownerId] = [`more-${time}`, `visitor-${time}`];
    await timed("acquire", () => locking.acquire(key, { ownerId, expire: EXPIRE }));
    await timed("renew", () => locking.acquire(key, { ownerId, expire: EXPIRE }));
    await timed("release", () => locking.release(key, { ownerId }));
  }
  for (let time = 0; time < Math.ceil(operations / PER_OWNER); time += 1) {
    const ownerId = `leaver-${time}`;
    const keys = Array.from({ length: PER_OWNER }, (_, n) => `leaving-${n}`);
    await Promise.all(keys.map((key) => locking.acquire(key, { ownerId, expire: EXPIRE })));
    await timed("releaseAll", () => locking.releaseAll({ ownerId }));
  }
  return {
    acquire: median(took.acquire),
    renew: median(took.renew),
    release: median(took.release),
    releaseAll: median(took.releaseAll),
  };
}

export async function emptyOut({ backend, url }: Place): Promise<void> {
  const locking = await ourLocking(backend, url);
  await locking.releaseAll();
  held.delete(backend);
}
