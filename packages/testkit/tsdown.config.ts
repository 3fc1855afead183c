import type { UserConfig } from "tsdown";
import { library } from "../../tsdown.base.ts";

// The program of the child processes is a file of its own, which their parent finds beside itself.
const entry = ["src/index.ts", "src/vitest.ts", "src/child.ts"];
const config: UserConfig = { ...library, entry };
export default config;
