import type { SoakReport, SoakState } from "../soak/soak.ts";

/** As many of a kind tell no more than these. */
const shown = 5;

/** How it goes, in one line. */
export function soakLine({
  milliseconds,
  grants,
  losses,
  longestWait,
  faults,
  violations,
}: SoakState): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return [
    time,
    `${grants} grants`,
    `${losses} losses`,
    `longest wait ${(longestWait / 1_000).toFixed(1)} s`,
    `${faults} faults`,
    `${violations.length} violations`,
  ].join("  ");
}

/** What came of it. */
export function soakReport(report: SoakReport): string {
  const { name, seed, processes, violations } = report;
  const more = violations.length - shown;
  return [
    `${name}, soaked by ${processes} processes`,
    ...violations.slice(0, shown).map((one, index) => `${index + 1}) ${one.replaceAll("\n", "\n   ")}`),
    ...(more > 0 ? [`… and ${more} more`] : []),
    `${soakLine(report)}  seed ${seed}`,
  ].join("\n\n");
}
