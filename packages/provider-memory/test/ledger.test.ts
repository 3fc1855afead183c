import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Ledger } from "../src/ledger.ts";
import { Holding } from "../src/key-record.ts";

function holding(key: string, expiresAt: number, ownerId: string | null = null): Holding {
  return new Holding(key, { id: `of ${key}`, ownerId, kind: "acquire", limit: 1 }, 1, expiresAt);
}

let passedOn: string[];
let ledger: Ledger;
beforeEach(() => {
  vi.useFakeTimers();
  passedOn = [];
  ledger = new Ledger((keys) => passedOn.push(...keys));
});
afterEach(() => void vi.useRealTimers());

describe("the ledger", () => {
  test("keeps nothing of a key that nobody holds or waits for any more", () => {
    const held = holding("a", Infinity, "u");
    ledger.add(held);
    expect(ledger.all()).toEqual([held]);
    ledger.remove(held);
    expect([ledger.get("a"), ledger.all(), ledger.ofOwner("u")]).toEqual([undefined, [], []]);
  });

  test("knows what an owner holds without looking at what others hold", () => {
    const own = ["a", "b"].map((key) => holding(key, Infinity, "u"));
    for (const each of [...own, holding("c", Infinity, "v"), holding("d", Infinity)]) ledger.add(each);
    expect(ledger.ofOwner("u")).toEqual(own);
    expect(ledger.ofOwner("w")).toEqual([]);
  });

  test("clears expired keys away that nobody asks for again, and hands them on", () => {
    const now = performance.now();
    ledger.add(holding("soon", now + 10, "u"));
    ledger.add(holding("later", now + 70_000));
    ledger.add(holding("never", Infinity));
    vi.advanceTimersByTime(30_000);
    expect([ledger.get("soon"), ledger.ofOwner("u")]).toEqual([undefined, []]);
    expect(passedOn).toEqual(["soon"]);
    vi.advanceTimersByTime(60_000);
    expect(passedOn).toEqual(["soon", "later"]);
    expect(ledger.all().map(({ key }) => key)).toEqual(["never"]);
  });

  test("has a timer only while something can expire", () => {
    const now = performance.now();
    ledger.add(holding("never", Infinity));
    expect(vi.getTimerCount()).toBe(0);
    const held = holding("soon", now + 10);
    ledger.add(held);
    expect(vi.getTimerCount()).toBe(1);
    ledger.expire(held, Infinity);
    vi.advanceTimersByTime(30_000);
    expect(vi.getTimerCount()).toBe(0);
    ledger.expire(held, performance.now() + 10);
    ledger.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
