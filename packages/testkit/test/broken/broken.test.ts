import { allCases, applicableCases, runCase } from "@lock/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { manifestOf, subjectOf, urlVariable, type Candidate } from "./broken.ts";
import { backendKinds } from "./catalogue/backend-kinds.ts";
import { catalogues } from "./catalogue/catalogues.ts";
import { chosen } from "./chosen-subject.ts";
import { serve } from "./references/serve.ts";

const server = await serve(backendKinds);
process.env[urlVariable] = server.url;
afterAll(() => server.close());

/** Runs the case with this title on a candidate; `module` is what child processes load. */
async function run(title: string, candidate: Candidate, module: string): Promise<void> {
  const subject = subjectOf(candidate);
  const { applicable } = applicableCases(allCases, manifestOf(candidate), subject);
  const found = applicable.find((one) => one.title === title);
  if (found === undefined) throw new Error(`There is no case "${title}"`);
  await runCase(found, { subject, module });
}

// What a store of one process calls shared is rejected by processes for that alone.
const incorrect = (catalogue: string, title: string): boolean =>
  catalogue === "shared" && title.startsWith("processes");

describe.concurrent("a provider is rejected when", () => {
  for (const [name, { correct, broken }] of Object.entries(catalogues)) {
    for (const [n, candidate] of broken.entries()) {
      const { defect, rejectedBy } = candidate;
      test(`${defect}: ${rejectedBy}`, { timeout: 60_000 }, async () => {
        await expect(run(rejectedBy, candidate, chosen(name, n))).rejects.toThrow("Done and seen");
      });
    }
    for (const title of new Set(broken.map((one) => one.rejectedBy))) {
      if (incorrect(name, title)) continue;
      test(`not when it is correct (${name}): ${title}`, { timeout: 60_000 }, async () => {
        await run(title, correct, chosen(name));
      });
    }
  }
});

test("no defect is told twice", () => {
  const defects = Object.values(catalogues).flatMap(({ broken }) => broken.map((one) => one.defect));
  expect(new Set(defects).size).toBe(defects.length);
});
