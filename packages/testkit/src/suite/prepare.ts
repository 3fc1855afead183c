import type { ProviderCapabilities } from "@lock/core";
import { randomBytes } from "node:crypto";
import { loadSubject, subjectUrl } from "../subject.ts";
import { connectSubject } from "../world/connect-subject.ts";
import { allCases } from "./all-cases.ts";
import { applicableCases, type ApplicableCase, type ExcludedCase } from "./applicable.ts";
import type { LoadedSubject } from "./run-case.ts";

/** The suite as it is to be run for one subject. */
export interface PreparedSuite extends LoadedSubject {
  readonly manifest: ProviderCapabilities;
  readonly applicable: readonly ApplicableCase[];
  readonly excluded: readonly ExcludedCase[];
}

/** Loads a subject by its module, connects it once to read its manifest, and picks the cases that apply. */
export async function prepareSuite(module: URL | string): Promise<PreparedSuite> {
  const subject = await loadSubject(module);
  const connected = await connectSubject(subject, `testkit-${randomBytes(8).toString("hex")}`);
  const { manifest } = connected;
  await connected.locking.close();
  return {
    subject,
    module: subjectUrl(module),
    manifest,
    ...applicableCases(allCases, manifest, subject),
  };
}
