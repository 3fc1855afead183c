import { defineProvider, type LockStore } from "@lock/core";
import { allCases, applicableCases, runCase, type Subject } from "@lock/testkit";
import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { ReferenceStore } from "./reference-store.ts";
import { sharedCatalogue } from "./shared-catalogue.ts";
import { SharedStore } from "./shared-store.ts";
import { storeCatalogue } from "./store-catalogue.ts";

// What child processes load: the store that is correct within each of them.
const module = new URL("./shared-subject.ts", import.meta.url).href;

/** Runs the case with this title on a store. */
async function run(title: string, make: (namespace: string) => LockStore): Promise<void> {
  const { applicable } = applicableCases(allCases, make("").capabilities, { store: () => make("") });
  const found = applicable.find((one) => one.title === title);
  if (found === undefined) throw new Error(`There is no case "${title}"`);
  const create: Subject["create"] = ({ namespace }) =>
    defineProvider({ identifier: "under-test", store: make(namespace) });
  const store: Subject["store"] = ({ namespace }) => make(namespace);
  await runCase(found, { subject: { name: "under test", create, store }, module });
}

describe.concurrent("a provider is rejected when", () => {
  for (const { defect, rejectedBy, Store } of [...catalogue, ...storeCatalogue]) {
    test(`${defect}: ${rejectedBy}`, async () => {
      await expect(run(rejectedBy, () => new Store())).rejects.toThrow("Done and seen");
      await run(rejectedBy, () => new ReferenceStore());
    });
  }

  for (const { defect, rejectedBy, Store } of sharedCatalogue) {
    test(`${defect}: ${rejectedBy}`, async () => {
      await expect(run(rejectedBy, (namespace) => new Store(namespace))).rejects.toThrow("Done and seen");
      if (!rejectedBy.startsWith("processes"))
        await run(rejectedBy, (namespace) => new SharedStore(namespace));
    });
  }
});
