import type { ProviderCapabilities } from "@lock/core";
import type { World } from "../world/world.ts";

/** What a case asks of a manifest: for each capability named, the value (or one of the values) that it must have. */
export type Requirements = {
  readonly [Name in keyof ProviderCapabilities]?:
    | ProviderCapabilities[Name]
    | readonly ProviderCapabilities[Name][];
};

/**
 * - `"processes"`: it starts child processes, so that adapters can keep such cases from running side by side.
 * - `"store"`: it is about a `LockStore`, and applies to subjects that name theirs.
 * - `"proxy"`: it puts a proxy before the backend, and applies to subjects that name the variable of its URL.
 * - `"entries"`: it counts what the backend keeps, and applies to subjects that can.
 */
export type Need = "processes" | "store" | "proxy" | "entries";

/**
 * One observable sentence of the contract. It knows no test runner: `run` rejects when the provider breaks the
 * sentence, and does its asserting with `node:assert/strict`.
 */
export interface ConformanceCase {
  /** The part of the contract that it belongs to. */
  readonly area: string;
  /** The sentence. Unique within its area. */
  readonly name: string;
  /** What the manifest must declare for the sentence to apply. Default: nothing. */
  readonly requires?: Requirements;
  /**
   * There are two parties, `world.locking` and `world.rival`. The case then runs with both in one service and, where
   * the scope is shared, again with two services that have a provider instance each.
   */
  readonly rival?: true;
  /** What it needs beside the provider. */
  readonly needs?: Need;
  /** Milliseconds that it may take. Default: 10 s; with processes 30 s. */
  readonly limit?: number;
  run(world: World): Promise<void>;
}

/** Cases of one area, so that each need not name it. */
export function area(
  name: string,
  cases: readonly Omit<ConformanceCase, "area">[],
): readonly ConformanceCase[] {
  return cases.map((one) => ({ area: name, ...one }));
}
