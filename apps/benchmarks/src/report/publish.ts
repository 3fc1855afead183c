import { mkdir, writeFile } from "node:fs/promises";
import { backendTitles, type BackendName } from "../contenders/of-backend.ts";
import { chartsOf } from "./charts.ts";
import type { Circumstances } from "./circumstances.ts";
import type { Sheet } from "./sheet.ts";
import { tableOf, toMarkdown } from "./table.ts";
import { targetTable } from "./targets.ts";

const results = new URL("../../results/", import.meta.url);
const docs = new URL("../../../../docs/benchmarks/", import.meta.url);

function record(sheet: Sheet, circumstances: Circumstances): string {
  const rounded = sheet.measurements.map((measurement) => ({
    ...measurement,
    samples: measurement.samples.map((sample) => Number(sample.toPrecision(5))),
  }));
  return `${JSON.stringify({ circumstances, measurements: rounded }, null, 2)}\n`;
}

/** Keeps a run for whoever wants to look closer. Where it is. */
export async function keep(backend: BackendName, sheet: Sheet, circumstances: Circumstances): Promise<URL> {
  const file = new URL(`${backend}-${circumstances.date.replaceAll(":", "-")}.json`, results);
  await mkdir(results, { recursive: true });
  await writeFile(file, record(sheet, circumstances));
  return file;
}

/** Makes a run the one that the docs show of this backend. */
export async function publish(
  backend: BackendName,
  sheet: Sheet,
  circumstances: Circumstances,
): Promise<void> {
  await mkdir(docs, { recursive: true });
  await writeFile(new URL(`snapshot-${backend}.json`, results), record(sheet, circumstances));
  await writeFile(new URL(`${backend}.md`, docs), page(backend, sheet, circumstances));
  for (const [name, chart] of chartsOf(sheet, backend)) await writeFile(new URL(`${name}.svg`, docs), chart);
}

function page(backend: BackendName, sheet: Sheet, circumstances: Circumstances): string {
  const { date, node, machine, rounds, server, load } = circumstances;
  const sections = sheet
    .headings()
    .flatMap((heading) => [`## ${heading.part}, ${heading.variant}`, toMarkdown(tableOf(sheet, heading))]);
  return [
    `# Benchmarks: ${backendTitles[backend]}`,
    `Measured on ${date.slice(0, 10)} with Node ${node} on ${machine}; ${server}. ${rounds} rounds. The machine's load average was ` +
      `${load.join(", ")} before and after the parts: the more it is above the number of cores, the more of this is noise. ` +
      "How it is measured, and what the columns mean: [README.md](README.md).",
    "## Targets",
    toMarkdown(targetTable(sheet, backend)),
    ...sections,
    "",
  ].join("\n\n");
}
