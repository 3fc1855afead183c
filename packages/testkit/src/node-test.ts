import { describe, it } from "node:test";
import { findUnderstatements } from "./manifest/understatements.ts";
import { prepareSuite } from "./suite/prepare.ts";
import { runCase } from "./suite/run-case.ts";
import { openLanes, schedule } from "./suite/schedule.ts";

export interface ConformanceOptions {
  /** The module whose default export is the subject: `new URL("./subject.ts", import.meta.url)`, or a path. */
  readonly subject: URL | string;
  /** The areas to run, for work on one of them. Default: all. */
  readonly only?: readonly string[];
  /** Repeats what an earlier run left to chance. Default: `LOCK_TESTKIT_SEED`, or a new one. */
  readonly seed?: number;
}

/**
 * Registers the conformance suite with `node:test`; `await` it at the top level of a test file. There is one test for each
 * case that applies, and a skipped one, which says why, for each that the manifest rules out.
 */
export async function testConformance({ subject: module, only, seed }: ConformanceOptions): Promise<void> {
  const suite = await prepareSuite(module, seed === undefined ? {} : { seed });
  const areas = schedule(suite, only);
  const title = `${suite.subject.name} keeps the contract`;
  for (const alone of [false, true]) {
    const part = areas.filter((area) => area.alone === alone);
    if (part.length === 0) continue;
    // All are begun at once, and the lanes let in as many as in any other runner.
    const concurrency = alone ? 1 : 1_000;
    const lane = openLanes();
    void describe(alone ? `${title}, among several processes` : title, { concurrency }, () => {
      for (const { area, cases } of part) {
        void describe(area, { concurrency }, () => {
          for (const one of cases) {
            void it(one.title.slice(area.length + 2), async () => {
              await lane(async () => await runCase(one, suite));
            });
          }
        });
      }
    });
  }
  void describe(`${suite.subject.name} and its manifest`, () => {
    for (const { title, because, case: one } of suite.excluded) {
      if (only?.includes(one.area) ?? true) void it(title, { skip: because });
    }
    void it("is compared with what the provider does", async (test) => {
      for (const note of await findUnderstatements(suite)) test.diagnostic(note);
    });
  });
}
