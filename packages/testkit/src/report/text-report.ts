import type { ProviderCapabilities } from "@lock/core";
import type { Finding, SuiteReport } from "../suite/run-suite.ts";

const signs = { passed: "✓", failed: "✗", skipped: "–" } as const;

/** What came of a run, for a person: every sentence under its area, then the failures at length. */
export function textReport(report: SuiteReport): string {
  const areas = [...new Set(report.findings.map((one) => one.area))];
  const failures = report.findings.filter((one) => one.status === "failed");
  return [
    `${report.name}: ${manifestLine(report.manifest)}`,
    ...areas.map((area) => areaPart(report.findings.filter((one) => one.area === area))),
    ...failures.map(failurePart),
    ...report.notes.map((note) => `Note: ${note}`),
    summaryLine(report),
  ].join("\n\n");
}

export function count(report: SuiteReport, status: Finding["status"]): number {
  return report.findings.filter((one) => one.status === status).length;
}

function summaryLine(report: SuiteReport): string {
  const counts = (["passed", "failed", "skipped"] as const).map(
    (status) => `${count(report, status)} ${status}`,
  );
  const seconds = (report.milliseconds / 1_000).toFixed(1);
  return `${counts.join(", ")} in ${seconds} s, seed ${report.seed}`;
}

function manifestLine(manifest: ProviderCapabilities): string {
  return Object.entries(manifest)
    .map(([name, value]) => `${name} ${value === true ? "yes" : value === false ? "no" : String(value)}`)
    .join(", ");
}

function areaPart(findings: readonly Finding[]): string {
  const lines = findings.map(({ status, sentence, because }) => {
    return `  ${signs[status]} ${sentence}${because === undefined ? "" : ` (skipped because ${because})`}`;
  });
  return [findings[0]?.area, ...lines].join("\n");
}

function failurePart({ area, sentence, failure }: Finding, index: number): string {
  const { message = "", timeline = [], repeat = "", link = "" } = failure ?? {};
  const parts = [
    `${index + 1}) ${area}: ${sentence}`,
    "",
    ...message.trimEnd().split("\n"),
    "",
    ...(timeline.length === 0 ? [] : ["Done and seen:", ...timeline, ""]),
    `Repeat it: ${repeat}`,
    `Read: ${link}`,
  ];
  return parts.map((line, at) => (at === 0 || line === "" ? line : `   ${line}`)).join("\n");
}
