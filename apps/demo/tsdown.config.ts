import type { UserConfig } from "tsdown";

// Only the page is built, since browsers don't read TypeScript; Node runs the rest as it is.
const config: UserConfig = {
  entry: { page: "src/page/main.ts" },
  format: "esm",
  platform: "browser",
  target: "es2022",
  fixedExtension: false,
  dts: false,
  hash: false,
};
export default config;
