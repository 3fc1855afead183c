import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const report = process.env["LOCK_TEST_REPORT"];

/** The conformance suites first: a minute and a half each, most of it waiting, by which they would prolong the run if they began last. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith("conformance.test.ts");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// One run for the whole workspace: one pair of servers, one total.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: ["test/servers.ts"],
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    ...(report && { reporters: ["default", "json"], outputFile: { json: report } }),
  },
});
export default config;
