import type { ProviderCapabilities } from "@lock/core";
import { randomBytes } from "node:crypto";
import { chooseSeed } from "../random.ts";
import { loadSubject, subjectUrl } from "../subject.ts";
import { connectSubject } from "../world/connect-subject.ts";
import { allCases } from "./all-cases.ts";
import { applicableCases, type ApplicableCase, type ExcludedCase } from "./applicable.ts";
import { assertApart } from "./apart.ts";
import type { LoadedSubject } from "./run-case.ts";

/** The suite as it is to be run for one subject. */
export interface PreparedSuite extends LoadedSubject {
  readonly seed: number;
  readonly manifest: ProviderCapabilities;
  readonly applicable: readonly ApplicableCase[];
  readonly excluded: readonly ExcludedCase[];
}

/**
 * Loads a subject by its module, connects it once to read its manifest, and picks the cases that apply.
 *
 * @param options.seed - repeats the choices of an earlier run. Default: `LOCK_TESTKIT_SEED`, or a new one.
 */
export async function prepareSuite(
  module: URL | string,
  options: { readonly seed?: number } = {},
): Promise<PreparedSuite> {
  const seed = chooseSeed(options.seed);
  const subject = await loadSubject(module);
  const connected = await connectSubject(subject, `testkit-${randomBytes(8).toString("hex")}`);
  const { manifest, locking } = connected;
  try {
    if (manifest.scope === "shared") await assertApart(subject, locking);
  } finally {
    await locking.close();
  }
  return {
    subject,
    module: subjectUrl(module),
    seed,
    manifest,
    ...applicableCases(allCases, manifest, subject),
  };
}
