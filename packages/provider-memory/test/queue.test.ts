import { describe, expect, test } from "vitest";
import { createLocking } from "@lock/core";
import { memoryProvider } from "../src/index.ts";

describe("a waiter whose owner has come to hold one of its keys meanwhile", () => {
  test("queues only for what it lacks, and keeps nobody from the other", async () => {
    await using locking = await createLocking({ providers: [memoryProvider()] });
    const two = { limit: 2 } as const;
    const waits = { ...two, awaitQueue: true, timeout: "5s" } as const;
    await locking.acquire("b", { ...two, ownerId: "b1" });
    await locking.acquire("b", { ...two, ownerId: "b2" });
    await locking.acquire("a", { ...two, ownerId: "x" });
    await locking.acquire("a", { ...two, ownerId: "y" });
    const alone = locking.acquire("a", { ...waits, ownerId: "u" });
    const both = locking.acquire(["a", "b"], { ...waits, ownerId: "u" });
    const behind = locking.acquire("a", { ...waits, ownerId: "v" });
    await locking.release("a", { ownerId: "x" });
    await locking.release("a", { ownerId: "y" });
    const [first, next] = await Promise.all([alone, behind]);
    expect(next.fencingToken).toBeGreaterThan(first.fencingToken);
    await locking.release("b", { ownerId: "b1" });
    expect((await both).fencingToken).toBeGreaterThan(next.fencingToken);
    await expect(first.extend(5)).rejects.toMatchObject({ code: "LOCK_LOST" });
  });

  test("is granted in place at once, also from behind somebody else", async () => {
    await using locking = await createLocking({ providers: [memoryProvider()] });
    const waits = { awaitQueue: true, timeout: "1s" } as const;
    const held = await locking.acquire("a", { ownerId: "w" });
    const first = locking.acquire("a", { ...waits, ownerId: "u" });
    const between = locking.acquire("a", { ...waits, ownerId: "v" });
    const again = locking.acquire("a", { ...waits, ownerId: "u" });
    await held.release();
    expect((await again).fencingToken).toBe((await first).fencingToken);
    await locking.release("a", { ownerId: "u" });
    await between;
  });

  test("stands where it stood once its owner lets go of that key again", async () => {
    await using locking = await createLocking({ providers: [memoryProvider()] });
    const waits = { awaitQueue: true, timeout: "5s" } as const;
    await locking.acquire("b", { ownerId: "w" });
    await locking.acquire("a", { ownerId: "u" });
    const order: string[] = [];
    const both = locking.acquire(["a", "b"], { ...waits, ownerId: "u" }).then(() => order.push("u"));
    const behind = locking.acquire("a", { ...waits, ownerId: "v" }).then(() => order.push("v"));
    expect(await locking.inspect(["a", "b"])).toMatchObject([{ waiting: 1 }, { waiting: 1 }]);
    await locking.release("a", { ownerId: "u" });
    expect(await locking.inspect(["a", "b"])).toMatchObject([{ waiting: 2 }, { waiting: 1 }]);
    await locking.release("b", { ownerId: "w" });
    await both;
    await locking.release("a", { ownerId: "u" });
    await behind;
    expect(order).toEqual(["u", "v"]);
  });
});

test("a lease that comes to end sooner is told to the first who lacks the key, not to one whose owner holds it", async () => {
  await using locking = await createLocking({ providers: [memoryProvider()] });
  const two = { limit: 2 } as const;
  const waits = { ...two, awaitQueue: true, timeout: "5s" } as const;
  const other = await locking.acquire("b", { ownerId: "w" });
  await locking.acquire("a", { ...two, ownerId: "u" });
  await locking.acquire("a", { ...two, ownerId: "x" });
  const both = locking.acquire(["a", "b"], { ...waits, ownerId: "u" });
  const behind = locking.acquire("a", { ...waits, ownerId: "v" });
  const since = performance.now();
  await locking.acquire("a", { ...two, ownerId: "x", expire: "200ms" });
  await behind;
  expect(performance.now() - since).toBeLessThan(1_200);
  await other.release();
  await both;
});

test("a lease that comes to end sooner under a waiter passes on within 1 s of its end", async () => {
  await using locking = await createLocking({ providers: [memoryProvider()] });
  await locking.acquire("a", { ownerId: "u" });
  const waiting = locking.acquire("a", { ownerId: "v", awaitQueue: true, timeout: "5s" });
  const since = performance.now();
  // One new grant, of which "a" now ends too.
  await locking.acquire(["a", "b"], { ownerId: "u", expire: "200ms" });
  await waiting;
  expect(performance.now() - since).toBeLessThan(1_200);
});

test("also once the first, who was told of it, is out of the queue: timed out or granted", async () => {
  await using locking = await createLocking({ providers: [memoryProvider()] });
  const waits = { limit: 2, awaitQueue: true, timeout: "5s" } as const;
  for (const timeout of ["100ms", "5s"] as const) {
    const key = `until ${timeout}`;
    const freed = await locking.acquire(key, { limit: 2, ownerId: "u" });
    await locking.acquire(key, { limit: 2, ownerId: "x" });
    const first = locking.acquire(key, { ...waits, timeout }).then(
      () => "granted",
      () => "timed out",
    );
    const next = locking.acquire(key, waits);
    const since = performance.now();
    await locking.acquire(key, { limit: 2, ownerId: "x", expire: "300ms" });
    if (timeout === "5s") await freed.release();
    expect(await first).toBe(timeout === "5s" ? "granted" : "timed out");
    await next;
    expect(performance.now() - since).toBeLessThan(1_300);
  }
});
