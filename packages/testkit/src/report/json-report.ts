import type { SuiteReport } from "../suite/run-suite.ts";
import { count } from "./text-report.ts";

/** What came of a run, for a program. */
export function jsonReport(report: SuiteReport): string {
  const counts = {
    passed: count(report, "passed"),
    failed: count(report, "failed"),
    skipped: count(report, "skipped"),
  };
  return JSON.stringify({ ...report, ...counts }, plain, 2);
}

/** JSON has neither bigints nor Infinity, and an error's own members say nothing that its message doesn't. */
function plain(name: string, value: unknown): unknown {
  if (name === "error") return undefined;
  if (typeof value === "bigint" || value === Infinity) return String(value);
  return value;
}
