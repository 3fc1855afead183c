import { describe, expect, test } from "vitest";
import { chronicle } from "../src/page/chronicle.ts";
import { verdict } from "../src/page/verdict.ts";
import type { SaleEvent } from "../src/sale/event.ts";
import type { SalePlan } from "../src/sale/plan.ts";
import { crowding, Segments } from "../src/sale/segments.ts";
import { tally } from "../src/sale/tally.ts";

const killed: readonly SaleEvent[] = [
  { kind: "waiting", at: 0, checkout: 1, buyer: 1 },
  { kind: "holding", at: 10, checkout: 1, buyer: 1, token: "1" },
  { kind: "waiting", at: 12, checkout: 2, buyer: 2 },
  { kind: "died", at: 30, checkout: 1, buyer: 1 },
  { kind: "holding", at: 2030, checkout: 2, buyer: 2, token: "2" },
  { kind: "left", at: 2080, checkout: 2, buyer: 2, outcome: "sold" },
];
const frozen: readonly SaleEvent[] = [
  { kind: "waiting", at: 0, checkout: 1, buyer: 1 },
  { kind: "holding", at: 10, checkout: 1, buyer: 1, token: "1" },
  { kind: "frozen", at: 30, checkout: 1 },
  { kind: "waiting", at: 40, checkout: 2, buyer: 2 },
  { kind: "holding", at: 2030, checkout: 2, buyer: 2, token: "2" },
  { kind: "thawed", at: 2040, checkout: 1 },
  { kind: "left", at: 2050, checkout: 1, buyer: 1, outcome: "stale" },
  { kind: "left", at: 2080, checkout: 2, buyer: 2, outcome: "sold" },
];

function segmentsOf(events: readonly SaleEvent[]): Segments["all"] {
  const segments = new Segments();
  for (const event of events) segments.add(event);
  return segments.all;
}

describe("the picture", () => {
  test("shows waiting, holding, and the dead", () => {
    expect(segmentsOf(killed).map(({ kind, checkout, from, to }) => [kind, checkout, from, to])).toEqual([
      ["waiting", 1, 0, 10],
      ["holding", 1, 10, 30],
      ["waiting", 2, 12, 2030],
      ["dead", 1, 30, null],
      ["holding", 2, 2030, 2080],
    ]);
  });

  test("lets a frozen checkout go on where it was", () => {
    const first = segmentsOf(frozen).filter((segment) => segment.checkout === 1);
    expect(first.map(({ kind, from, to, token }) => [kind, from, to, token])).toEqual([
      ["waiting", 0, 10, null],
      ["holding", 10, 30, "1"],
      ["frozen", 30, 2040, "1"],
      ["holding", 2040, 2050, "1"],
    ]);
    expect(first.at(-1)?.outcome).toBe("stale");
  });

  test("counts how many are inside at once, in whatever order they were reported", () => {
    const inside = crowding(segmentsOf(frozen.toReversed().toSorted((a, b) => a.at - b.at)), 3000);
    expect(inside.map((step) => step.inside)).toEqual([1, 0, 1, 2, 1, 0]);
  });

  test("does not count one who comes in the moment another leaves", () => {
    const events: SaleEvent[] = [
      { kind: "holding", at: 1, checkout: 1, buyer: 1, token: "1" },
      { kind: "holding", at: 5, checkout: 2, buyer: 2, token: "2" },
      { kind: "left", at: 5, checkout: 1, buyer: 1, outcome: "sold" },
    ];
    expect(Math.max(...crowding(segmentsOf(events), 9).map((step) => step.inside))).toBe(1);
  });
});

describe("the numbers", () => {
  test("of a sale whose holder was killed", () => {
    const result = tally({ stock: 5, left: 4, receipts: [2], events: killed });
    expect(result).toMatchObject({ sold: 1, left: 4, oversold: 0, refused: 0, abandoned: 1, mostInside: 1 });
    expect(result.median).toBe(2068);
  });

  test("of a sale whose holder was frozen", () => {
    const result = tally({ stock: 5, left: 4, receipts: [2], events: frozen });
    expect(result).toMatchObject({ sold: 1, oversold: 0, refused: 1, stale: 1, mostInside: 2 });
  });

  test("keep apart those who were told too late and those who got no lock", () => {
    const lost = { kind: "failed", code: "LOCK_LOST", reason: "Lost the lock" } as const;
    const late = { kind: "failed", code: "LOCK_TIMEOUT", reason: "Timed-out acquiring lock" } as const;
    const events: SaleEvent[] = [
      { kind: "left", at: 5, checkout: 1, buyer: 1, outcome: "sold" },
      { ...lost, at: 6, checkout: 1, buyer: 1 },
      { ...late, at: 7, checkout: 2, buyer: 2 },
      { ...late, at: 8, checkout: 1, buyer: 3 },
    ];
    expect(tally({ stock: 5, left: 4, receipts: [1], events })).toMatchObject({
      refused: 2,
      unserved: 2,
      stale: 0,
    });
    expect(chronicle(events).map((incident) => incident.text)).toEqual([
      "Checkout 1 was told that its lock was lost.",
      "Checkout 2: Timed-out acquiring lock",
    ]);
  });

  test("take median and p95 by nearest rank", () => {
    const events = Array.from({ length: 100 }, (_, index): SaleEvent[] => [
      { kind: "waiting", at: 0, checkout: 1, buyer: index },
      { kind: "left", at: index + 1, checkout: 1, buyer: index, outcome: "sold" },
    ]).flat();
    expect(tally({ stock: 100, left: 0, receipts: [], events })).toMatchObject({ median: 50, p95: 95 });
  });
});

describe("the words", () => {
  const plan: SalePlan = {
    stock: 5,
    buyers: 9,
    checkouts: 3,
    charge: 10,
    locks: true,
    provider: "redis",
    mishap: null,
  };
  const words = (receipts: number, left: number, events: readonly SaleEvent[] = []): string => {
    const books = { stock: 5, left, receipts: Array.from({ length: receipts }, (_, index) => index), events };
    return verdict(plan, { status: "done", problem: null, tally: tally(books) }).headline;
  };

  test("say whether it was oversold, and whether the stock is right", () => {
    expect(words(9, 3)).toBe("Oversold by 4");
    expect(words(3, 4)).toBe("The stock is wrong");
    expect(words(5, 0)).toBe("Nothing oversold");
  });

  test("tell what befell the holder and how it went on", () => {
    expect(chronicle(killed).map((incident) => incident.text)).toEqual([
      "Checkout 1 was killed holding the lock, token 1.",
      "The lock passed on by itself after 2.00 s: checkout 2 holds it, token 2.",
    ]);
    expect(chronicle(frozen).map((incident) => incident.text)).toEqual([
      "Checkout 1 was frozen holding the lock, token 1.",
      "The lock passed on by itself after 2.00 s: checkout 2 holds it, token 2.",
      "Checkout 1 woke up.",
      "Checkout 1 went on to write under token 1. The stock has seen a newer one and refused.",
    ]);
  });
});
