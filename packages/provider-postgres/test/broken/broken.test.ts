import { allCases, applicableCases, runCase } from "@lock/testkit";
import { describe, expect, test } from "vitest";
import { brokenDatabase } from "./broken-database.ts";
import { subjectOf } from "./chosen-subject.ts";
import { defects } from "./defects.ts";

// That the provider as it is keeps these sentences is shown by conformance.test.ts.
describe.concurrent("the provider is rejected when", () => {
  for (const defect of defects) {
    test(`${defect.defect}: ${defect.rejectedBy}`, { timeout: 60_000 }, async () => {
      await using database = await brokenDatabase(defect);
      const subject = subjectOf(database.url);
      const place = { namespace: "any", env: {} };
      const { capabilities } = await subject.store!(place);
      const { applicable } = applicableCases(allCases, capabilities, subject);
      const found = applicable.find((one) => one.title === defect.rejectedBy);
      if (found === undefined) throw new Error(`There is no case "${defect.rejectedBy}"`);
      const module = new URL("./chosen-subject.ts", import.meta.url);
      module.searchParams.set("database", database.url);
      await expect(runCase(found, { subject, module: module.href })).rejects.toThrow("Done and seen");
    });
  }
});
