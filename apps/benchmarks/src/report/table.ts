import { ratios } from "../statistics/spread.ts";
import { figureOf } from "./figure.ts";
import type { Heading, Sheet } from "./sheet.ts";

/** Rows of cells, the first of them the names of the columns. */
export type Table = readonly (readonly string[])[];

/** One part of one backend: a row for each contender. Where there is a raw one, its speed is the unit. */
export function tableOf(sheet: Sheet, heading: Heading): Table {
  const metrics = [...new Set(sheet.of(heading).map(({ metric }) => metric))];
  const raws = sheet.competitors(heading).filter(({ standing }) => standing === "raw");
  const bases = metrics.includes("ops/s") ? raws.map(({ name }) => name) : [];
  const rows = sheet.competitors(heading).map(({ name }) => [
    name,
    ...metrics.map((metric) => figureOf(metric, sheet.samples(heading, name, metric))),
    ...bases.map((base) => {
      const speed = sheet.samples(heading, name, "ops/s");
      return figureOf("ratio", ratios(speed, sheet.samples(heading, base, "ops/s")));
    }),
  ]);
  return [["", ...metrics, ...bases.map((base) => `× ${base}`)], ...rows];
}

function widths(table: Table): number[] {
  return (table[0] ?? []).map((_, column) => Math.max(3, ...table.map((row) => row[column]?.length ?? 0)));
}

export function toText(table: Table): string {
  const columns = widths(table);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(columns[n]!) : cell.padStart(columns[n]!)))
      .join("  ")
      .trimEnd();
  return table.map(line).join("\n");
}

export function toMarkdown(table: Table): string {
  const columns = widths(table);
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, n) => (n === 0 ? cell.padEnd(columns[n]!) : cell.padStart(columns[n]!))).join(" | ")} |`;
  const rule = `| ${columns.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  const [head = [], ...rows] = table;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
