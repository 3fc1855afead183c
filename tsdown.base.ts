import type { UserConfig } from "tsdown";

/** How every published package is built: ESM for the oldest Node it supports, with types, nothing of others bundled. */
export function library(entry: Record<string, string>): UserConfig {
  return {
    entry,
    format: "esm",
    platform: "node",
    target: "node20.19",
    fixedExtension: false,
    dts: { oxc: true },
    hash: false,
  };
}
