import type { BackendName } from "../contenders/of-backend.ts";
import type { Sheet } from "./sheet.ts";
import { tableOf, toText } from "./table.ts";
import { targetTable } from "./targets.ts";

/** All tables of a run, and the targets beside what was measured. */
export function print(sheet: Sheet, backends: readonly BackendName[]): string {
  const tables = backends
    .flatMap((backend) => sheet.headings().filter((heading) => heading.backend === backend))
    .map(
      (heading) =>
        `${heading.backend}: ${heading.part}, ${heading.variant}\n${toText(tableOf(sheet, heading))}`,
    );
  const targets = backends
    .map((backend) => ({ backend, table: targetTable(sheet, backend) }))
    .filter(({ table }) => table.length > 0)
    .map(({ backend, table }) => `${backend}: targets\n${toText(table)}`);
  return [...tables, ...targets].join("\n\n");
}
