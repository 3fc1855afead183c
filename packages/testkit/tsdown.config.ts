import type { UserConfig } from "tsdown";
import { library } from "../../tsdown.base.ts";

const config: UserConfig = {
  ...library,
  // The program of the child processes is a file of its own, which their parent finds beside itself.
  entry: [
    "src/index.ts",
    "src/containers/index.ts",
    "src/simulation/index.ts",
    "src/vitest.ts",
    "src/node-test.ts",
    "src/cli.ts",
    "src/child.ts",
  ],
};
export default config;
