import type { BackendName } from "../contenders/of-backend.ts";
import type { Sheet } from "./sheet.ts";
import { tableOf, toText } from "./table.ts";
import { targetTable } from "./targets.ts";

/** All tables of a backend, and the targets beside what was measured. */
export function print(sheet: Sheet, backend: BackendName): string {
  const tables = sheet
    .headings()
    .map((heading) => `${backend}: ${heading.part}, ${heading.variant}\n${toText(tableOf(sheet, heading))}`);
  const targets = targetTable(sheet, backend);
  return [...tables, ...(targets.length > 0 ? [`${backend}: targets\n${toText(targets)}`] : [])].join("\n\n");
}
