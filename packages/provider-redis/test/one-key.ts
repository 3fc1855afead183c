import { createLocking, type Lock, type Locking } from "@lock/core";
import type { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { eventually } from "./eventually.ts";
import { journal, leftBehind } from "./instance.ts";

/** A service that is closed when the test ends. */
export async function connect(options: RedisProviderOptions): Promise<Locking> {
  const service = await createLocking({ providers: [redisProvider(options)], logger: journal().logger });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

/** But for the tombstones of a minute. */
export async function nothingLeft(redis: Redis, namespace: string): Promise<void> {
  await eventually(async () =>
    (await leftBehind(redis, namespace)).filter((name) => !name.startsWith("t:")),
  ).toEqual([]);
}

/** Jobs that note when they run beside another, and their tokens in the order of entry. */
export function counted(): {
  readonly tokens: bigint[];
  readonly seen: { overlaps: number; inside: number };
  run(this: void, lock: Lock): Promise<void>;
} {
  const tokens: bigint[] = [];
  const seen = { overlaps: 0, inside: 0 };
  const run = async ({ fencingToken }: Lock): Promise<void> => {
    seen.overlaps += seen.inside;
    seen.inside += 1;
    tokens.push(fencingToken);
    await new Promise((resolve) => setImmediate(resolve));
    seen.inside -= 1;
  };
  return { tokens, seen, run };
}

/** Resolves when so many wait for "a". */
export async function waitingFor(service: Locking, count: number): Promise<void> {
  await eventually(async () => (await service.inspect("a"))[0]?.waiting).toBe(count);
}

/** Whether each token is greater than the one before. */
export function inOrder(tokens: readonly bigint[]): boolean {
  return tokens.every((token, n) => n === 0 || token > (tokens[n - 1] as bigint));
}
