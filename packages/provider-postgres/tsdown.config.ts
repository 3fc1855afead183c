import type { UserConfig } from "tsdown";
import { library } from "../../tsdown.base.ts";

const config: UserConfig = {
  ...library,
  entry: ["src/index.ts", "src/fencing.ts", "src/fencing-drizzle.ts", "src/schema.ts", "src/cli.ts"],
};
export default config;
