import type { UserConfig } from "tsdown";

/** How every published package is built: ESM for the oldest Node it supports, with types, nothing of others bundled. */
export const library: UserConfig = {
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  dts: { oxc: true },
  hash: false,
};
