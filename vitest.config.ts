import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

const report = process.env["LOCK_TEST_REPORT"];

// One run for the whole workspace: one pair of servers, one total.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/servers.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    ...(report && { reporters: ["default", "json"], outputFile: { json: report } }),
  },
});
export default config;
