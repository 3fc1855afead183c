import type { ProviderCapabilities } from "@lock/core";
import { findUnderstatements } from "../manifest/understatements.ts";
import { allCases } from "./all-cases.ts";
import type { PreparedSuite } from "./prepare.ts";
import { judgeCase } from "./run-case.ts";
import { runScheduled, schedule } from "./schedule.ts";
import type { Failure } from "./verdict.ts";

/** A sentence of the contract, and whether the provider keeps it. */
export interface Finding {
  readonly area: string;
  /** The sentence, with the placement where it was tried in both. */
  readonly sentence: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it was skipped: a declaration of the manifest. */
  readonly because?: string;
  readonly milliseconds?: number;
  readonly failure?: Failure;
}

/** What came of a whole run. */
export interface SuiteReport {
  readonly name: string;
  readonly manifest: ProviderCapabilities;
  readonly seed: number;
  readonly milliseconds: number;
  /** Every sentence, in the order of the contract. */
  readonly findings: readonly Finding[];
  /** What the provider does that its manifest does not say. */
  readonly notes: readonly string[];
}

/** How far a run has got. */
export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** What has just ended. */
  readonly title: string;
}

export interface RunSuiteOptions {
  /** The areas to run. Default: all. */
  readonly only?: readonly string[];
  /** Called whenever a case has ended. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Runs the suite, or the areas that are named, without any test runner. */
export async function runSuite(suite: PreparedSuite, options: RunSuiteOptions = {}): Promise<SuiteReport> {
  const { only, onProgress } = options;
  const start = performance.now();
  const areas = schedule(suite, only);
  const titles = areas.flatMap((area) => area.cases.map((one) => one.title));
  const findings = new Map<string, Finding>();
  let failed = 0;
  await runScheduled(areas, async (one) => {
    const { title } = one;
    const { area } = one.case;
    findings.set(title, { area, sentence: title.slice(area.length + 2), ...(await judgeCase(one, suite)) });
    if (findings.get(title)?.status === "failed") failed++;
    onProgress?.({ done: findings.size, failed, total: titles.length, title });
  });
  const skipped = suite.excluded
    .filter((one) => only?.includes(one.case.area) ?? true)
    .map(({ case: { area }, title, because }): Finding => {
      return { area, sentence: title.slice(area.length + 2), status: "skipped", because };
    });
  const notes = only === undefined ? await findUnderstatements(suite) : [];
  return {
    name: suite.subject.name,
    manifest: suite.manifest,
    seed: suite.seed,
    milliseconds: performance.now() - start,
    findings: inOrder([...titles.map((title) => findings.get(title)!), ...skipped]),
    notes,
  };
}

/** In the order of the contract; in each area, what was skipped at its end. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const areas = new Set(allCases.map((one) => one.area));
  return [...areas].flatMap((area) => findings.filter((one) => one.area === area));
}
