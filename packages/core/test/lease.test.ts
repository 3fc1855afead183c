import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { askedFor, confirmed, leaseFrom, renewalFailed, unanswered } from "../src/engine/lease.ts";
import { pauseAfter } from "../src/engine/pause.ts";

describe("a lease", () => {
  test("counts from when its request was sent, however late the answer came", () => {
    expect(leaseFrom(1_000, 30_000, 30_000).deadline).toBe(31_000);
  });

  test("is renewed after a quarter to a third of it", () => {
    const time = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(time, fc.double({ min: 1, max: 1e9, noNaN: true }), (since, remaining) => {
        const { renewAt } = leaseFrom(since, remaining, remaining);
        const rounding = 1e-6 * (since + remaining);
        expect(renewAt).toBeGreaterThanOrEqual(since + remaining / 4 - rounding);
        expect(renewAt).toBeLessThanOrEqual(since + remaining / 3 + rounding);
      }),
    );
  });

  test("shares its renewal with others of its length, whenever they began", () => {
    const renewals = new Set<number>();
    for (let since = 0; since < 2_500; since += 10) renewals.add(leaseFrom(since, 30_000, 30_000).renewAt);
    expect(renewals.size).toBeLessThanOrEqual(2);
  });

  test("of which nothing is left is over at once", () => {
    expect(leaseFrom(5, 0, 30_000)).toMatchObject({ deadline: 5, renewAt: 5 });
  });

  test("without end is never over and never renewed", () => {
    expect(leaseFrom(5, Infinity, 30_000)).toMatchObject({ deadline: Infinity, renewAt: Infinity });
  });

  test("a renewal that failed is tried again soon, more than once before the deadline, which stands", () => {
    let lease = leaseFrom(0, 3_000, 3_000);
    let tries = 0;
    while (lease.renewAt < lease.deadline) {
      lease = renewalFailed(lease, lease.renewAt, 0.5);
      tries += 1;
    }
    expect(tries).toBeGreaterThan(5);
    expect(lease.deadline).toBe(3_000);
  });

  test("waits between failed renewals for a tenth of it at most, and for 25 ms at least", () => {
    const pauses = (length: number): number[] => {
      const made: number[] = [];
      let lease = leaseFrom(0, length, length);
      for (let time = 0; time < 20; time += 1) {
        lease = renewalFailed(lease, 0, 1);
        made.push(lease.renewAt);
      }
      return made;
    };
    expect(pauses(30_000).slice(0, 3)).toEqual([50, 100, 200]);
    expect(Math.max(...pauses(30_000))).toBe(3_000);
    expect(pauses(100)).toEqual(pauses(100).map(() => 25));
  });

  test("that is asked to be shorter is counted so at once, a longer one only when it is confirmed", () => {
    const lease = leaseFrom(0, 30_000, 30_000);
    expect(askedFor(lease, 1_000, 500).deadline).toBe(1_500);
    expect(askedFor(lease, 1_000, 60_000).deadline).toBe(30_000);
    expect(confirmed(lease, 1_000, 60_000, 60_000).deadline).toBe(61_000);
  });

  test("that was asked to be shorter in vain is free of that exactly a minute later", () => {
    const lease = unanswered(leaseFrom(0, 100_000, 100_000), 0, 500);
    expect(confirmed(lease, 59_999, 100_000, 100_000).deadline).toBe(60_499);
    expect(confirmed(lease, 60_000, 100_000, 100_000).deadline).toBe(160_000);
  });

  test("that was asked to be shorter in vain may be cut short for a minute, whatever is confirmed meanwhile", () => {
    const lease = unanswered(askedFor(leaseFrom(0, 30_000, 30_000), 1_000, 500), 1_200, 500);
    expect(confirmed(lease, 1_300, 30_000, 30_000).deadline).toBe(1_800);
    expect(confirmed(confirmed(lease, 1_300, 30_000, 30_000), 61_300, 30_000, 30_000).deadline).toBe(91_300);
  });

  test("of which a renewal failed, and then one did not, is what it was", () => {
    const lease = unanswered(leaseFrom(0, 30_000, 30_000), 10_000, 30_000);
    expect(confirmed(lease, 11_000, 30_000, 30_000).deadline).toBe(41_000);
  });
});

describe("a pause", () => {
  test("doubles from the first to the longest, the upper half of it left to chance", () => {
    expect(pauseAfter(0, 5, 200, 0.3)).toBe(5);
    expect(pauseAfter(1, 5, 200, 0)).toBe(5);
    expect(pauseAfter(2, 5, 200, 0)).toBe(10);
    expect(pauseAfter(1_000, 5, 200, 0)).toBe(100);
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (tries, random) => {
        const pause = pauseAfter(tries, 5, 200, random);
        expect(pause).toBeGreaterThanOrEqual(5);
        expect(pause).toBeLessThanOrEqual(200);
      }),
    );
  });
});
