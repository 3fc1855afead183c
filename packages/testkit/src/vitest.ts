import { describe, expect, test } from "vitest";
import { findUnderstatements } from "./manifest/understatements.ts";
import { prepareSuite } from "./suite/prepare.ts";
import { runCase, timeLimit } from "./suite/run-case.ts";
import { schedule } from "./suite/schedule.ts";

export interface ConformanceOptions {
  /** The module whose default export is the subject: `new URL("./subject.ts", import.meta.url)`, or a path. */
  readonly subject: URL | string;
  /** The areas to run, for work on one of them. Default: all. */
  readonly only?: readonly string[];
  /** Repeats what an earlier run left to chance. Default: `LOCK_TESTKIT_SEED`, or a new one. */
  readonly seed?: number;
}

/**
 * Registers the conformance suite as tests of the file that calls it; `await` it at the file's top level. There is one
 * test for each case that applies. Which cases do is the manifest's word alone; none is registered as skipped, but for
 * each declaration that leaves some out there is one test more, which is named for it and says which.
 */
export async function describeConformance({
  subject: module,
  only,
  seed,
}: ConformanceOptions): Promise<void> {
  const suite = await prepareSuite(module, seed === undefined ? {} : { seed });
  describe(`${suite.subject.name} keeps the contract`, () => {
    for (const { area, cases, alone } of schedule(suite, only)) {
      const group = alone ? describe : describe.concurrent;
      group(area, () => {
        for (const one of cases) {
          test(one.title.slice(area.length + 2), { timeout: timeLimit(one) + 15_000 }, async () => {
            await runCase(one, suite);
          });
        }
      });
    }
    const reasons = new Set(suite.excluded.map((one) => one.because));
    for (const because of reasons) {
      const titles = suite.excluded.filter((one) => one.because === because).map((one) => one.title);
      test(`${titles.length} cases do not apply: ${because}`, async ({ annotate }) => {
        await annotate(titles.join("\n"), "not applicable");
        // A manifest is final: another instance leaves out the same.
        const again = await prepareSuite(module);
        expect(again.excluded.filter((one) => one.because === because).map((one) => one.title)).toEqual(
          titles,
        );
      });
    }
    test("the manifest is compared with what the provider does", async ({ annotate }) => {
      for (const note of await findUnderstatements(suite)) await annotate(note, "notice");
    });
  });
}
