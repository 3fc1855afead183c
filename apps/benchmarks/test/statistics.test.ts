import { describe, expect, test } from "vitest";
import { verdict } from "../src/report/targets.ts";
import { account } from "../src/statistics/history.ts";
import { median, quantile, ratios, spread } from "../src/statistics/spread.ts";

describe("samples", () => {
  test("of an odd number the median is the middle one, whatever their order", () => {
    expect(median([30, 10, 20])).toBe(20);
  });

  test("of an even number it lies between the middle two", () => {
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test("quantiles interpolate", () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(quantile([7], 0.9)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
    expect(median([Infinity, Infinity])).toBe(Infinity);
  });

  test("half of them lie in the spread", () => {
    expect(spread([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 });
  });

  test("are not reordered", () => {
    const samples = [3, 1, 2];
    spread(samples);
    expect(samples).toEqual([3, 1, 2]);
  });

  test("are compared round by round, so that a slow round is slow for both", () => {
    expect(ratios([10, 1, 10], [20, 2, 20])).toEqual([0.5, 0.5, 0.5]);
    expect(ratios([10, 1], [20])).toEqual([0.5]);
  });
});

describe("a history", () => {
  const first = { asked: 0, entered: 0, left: 10 };

  test("tells the gap between a holder and the next who was waiting", () => {
    const next = { asked: 1, entered: 14, left: 20 };
    expect(account([next, first], Infinity)).toMatchObject({ grants: 2, violations: 0, gaps: [4] });
  });

  test("knows no gap before someone who came when the key was free", () => {
    expect(account([first, { asked: 12, entered: 14, left: 20 }], Infinity).gaps).toEqual([]);
  });

  test("counts everybody who entered while another was inside", () => {
    const early = { asked: 1, entered: 9, left: 30 };
    const alsoEarly = { asked: 1, entered: 29, left: 31 };
    expect(account([alsoEarly, first, early], Infinity).violations).toBe(2);
  });

  test("counts one who entered within a longer stay that began earlier", () => {
    const long = { asked: 0, entered: 0, left: 100 };
    const visits = [long, { asked: 1, entered: 10, left: 20 }, { asked: 1, entered: 50, left: 60 }];
    expect(account(visits, Infinity).violations).toBe(2);
  });

  test("tells waits of all, but gaps and grants only of the time that was measured", () => {
    const inTime = { asked: 1, entered: 12, left: 20 };
    const late = { asked: 2, entered: 50, left: 60 };
    const told = account([first, inTime, late], 30);
    expect(told).toEqual({ grants: 2, violations: 0, gaps: [2], medianWait: 11, longestWait: 48 });
  });
});

describe("a target", () => {
  test("is met at its bound, on either side", () => {
    expect(verdict("least", 0.95, 0.95)).toBe("met");
    expect(verdict("most", 2, 1.9)).toBe("met");
  });

  test("is missed by a share of it", () => {
    expect(verdict("least", 2, 1.5)).toBe("missed by 25 %");
    expect(verdict("most", 2, 3)).toBe("missed by 50 %");
  });

  test("of nothing at all is missed by what there was", () => {
    expect(verdict("most", 0, 3)).toBe("missed by 3");
  });

  test("that wasn't measured is neither", () => {
    expect(verdict("least", 1, Number.NaN)).toBe("not measured");
  });
});
