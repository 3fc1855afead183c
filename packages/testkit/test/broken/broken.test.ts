import { defineProvider } from "@lock/core";
import { allCases, applicableCases, runCase, type ApplicableCase, type Subject } from "@lock/testkit";
import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { ReferenceStore } from "./reference-store.ts";

function subjectOf(Store: new () => ReferenceStore): { readonly subject: Subject; readonly module: string } {
  const create = () => defineProvider({ identifier: "under-test", store: new Store() });
  return { subject: { name: "under test", create }, module: import.meta.url };
}

function caseNamed(title: string): ApplicableCase {
  const { applicable } = applicableCases(allCases, new ReferenceStore().capabilities);
  const found = applicable.find((one) => one.title === title);
  if (found === undefined) throw new Error(`There is no case "${title}"`);
  return found;
}

describe.concurrent("a provider is rejected when", () => {
  for (const { defect, rejectedBy, Store } of catalogue) {
    test(`${defect}: ${rejectedBy}`, async () => {
      await expect(runCase(caseNamed(rejectedBy), subjectOf(Store))).rejects.toThrow("Done and seen");
      await runCase(caseNamed(rejectedBy), subjectOf(ReferenceStore));
    });
  }
});
