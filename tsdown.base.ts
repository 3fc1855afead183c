import type { UserConfig } from "tsdown";

/**
 * How every published package is built: ESM for the oldest Node it supports, with types, nothing of others bundled.
 * A package adds its `entry` as a literal: the unused-code check reads it without running the file.
 */
export const library: UserConfig = {
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  dts: { oxc: true },
  hash: false,
};
