import { allCases, applicableCases, runCase } from "@lock/testkit";
import { describe, expect, test } from "vitest";
import { inspectScript } from "../../src/operations/inspect.ts";
import { releaseAllScript } from "../../src/operations/release-all.ts";
import { releaseScript } from "../../src/operations/release.ts";
import { renewScript } from "../../src/operations/renew.ts";
import { takeScript } from "../../src/operations/take.ts";
import { subjectOf } from "./chosen-subject.ts";
import { BrokenStore } from "./broken-store.ts";
import { defects } from "./defects.ts";

const scripts = [takeScript, renewScript, releaseScript, releaseAllScript, inspectScript];
const chosen = new URL("./chosen-subject.ts", import.meta.url);

// That the provider as it is keeps these sentences is shown by conformance.test.ts.
describe.concurrent("the provider is rejected when", () => {
  for (const [n, defect] of defects.entries()) {
    test(`${defect.defect}: ${defect.rejectedBy}`, { timeout: 60_000 }, async () => {
      for (const [of] of defect.instead) {
        expect(
          scripts.filter(({ text }) => text.includes(of)),
          `no script says ${of}`,
        ).not.toEqual([]);
      }
      const subject = subjectOf(defect);
      const { capabilities } = new BrokenStore("redis://nowhere", "any", defect);
      const { applicable } = applicableCases(allCases, capabilities, subject);
      const found = applicable.find((one) => one.title === defect.rejectedBy);
      if (found === undefined) throw new Error(`There is no case "${defect.rejectedBy}"`);
      chosen.searchParams.set("n", String(n));
      await expect(runCase(found, { subject, module: chosen.href })).rejects.toThrow("Done and seen");
    });
  }
});
