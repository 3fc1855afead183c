import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

// Of the suite, the sentences that take neither their time nor the machine's, in one service; the others are for what these leave standing.
const slow =
  "processes|crashes|faults|leftovers|chance|close|timeout|durations|errors|service|sharedContext|reentrancy|signal";

const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // On a busy machine a test may fail once without the mutant's doing.
    retry: 2,
    testNamePattern: new RegExp(
      `^(?!.*keeps the contract\\W+(?:${slow}|\\d+ cases))(?!.*\\[two services\\])`,
    ),
  },
});
export default config;
