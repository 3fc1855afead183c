import type { ProviderCapabilities } from "@lock/core";
import { allCases, applicableCases } from "@lock/testkit";
import { assert, describe, expect, test } from "vitest";

const most: ProviderCapabilities = {
  scope: "shared",
  fencing: true,
  limits: true,
  fifo: true,
  push: true,
  inspect: true,
  transactions: true,
  crashRelease: "lease",
};
const least: ProviderCapabilities = {
  scope: "process",
  fencing: false,
  limits: false,
  fifo: false,
  push: false,
  inspect: false,
  transactions: false,
  crashRelease: "never",
};

describe("the suite", () => {
  test("names every case once", () => {
    const { applicable, excluded } = applicableCases(allCases, most);
    const titles = [...applicable, ...excluded].map((one) => one.title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test("has a case for every value that a manifest may declare", () => {
    const manifests = [
      most,
      least,
      { ...most, crashRelease: "session" } as const,
      { ...most, crashRelease: "never" } as const,
    ];
    const everything = { store: () => assert.fail(), entries: () => 0, urlVariable: "URL" };
    const everywhere = manifests.map((manifest) => applicableCases(allCases, manifest, everything));
    const applied = new Set(everywhere.flatMap(({ applicable }) => applicable.map((one) => one.case)));
    expect(allCases.filter((one) => !applied.has(one))).toEqual([]);
  });

  test("leaves nothing out silently: every case is either to be run or excluded with a reason", () => {
    for (const manifest of [most, least]) {
      const { applicable, excluded } = applicableCases(allCases, manifest);
      expect(new Set([...applicable, ...excluded].map((one) => one.case)).size).toBe(allCases.length);
      expect(excluded.every((one) => one.because !== "")).toBe(true);
    }
  });

  test("lets a smaller manifest run fewer cases, and says by which declaration", () => {
    const { applicable, excluded } = applicableCases(allCases, { ...most, limits: false });
    expect(applicable.every((one) => one.case.requires?.limits !== true)).toBe(true);
    expect(excluded.map((one) => one.because)).toContain("limits is false, not true");
  });

  test("runs a case with two parties in one service and, where the scope is shared, between two", () => {
    const rivals = allCases.filter((one) => one.rival === true && one.requires === undefined);
    const placements = (manifest: ProviderCapabilities) =>
      new Set(applicableCases(rivals, manifest).applicable.map((one) => one.placement));
    expect(placements(least)).toEqual(new Set(["one service"]));
    expect(placements(most)).toEqual(new Set(["one service", "two services"]));
  });
});
