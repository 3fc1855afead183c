import { mkdir, writeFile } from "node:fs/promises";
import { backendNames, backendTitles } from "../contenders/of-backend.ts";
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
export async function keep(sheet: Sheet, circumstances: Circumstances): Promise<URL> {
  const file = new URL(`${circumstances.date.replaceAll(":", "-")}.json`, results);
  await mkdir(results, { recursive: true });
  await writeFile(file, record(sheet, circumstances));
  return file;
}

/** Makes a run the one that the docs show. */
export async function publish(sheet: Sheet, circumstances: Circumstances): Promise<void> {
  await mkdir(results, { recursive: true });
  await mkdir(docs, { recursive: true });
  await writeFile(new URL("snapshot.json", results), record(sheet, circumstances));
  const { date, node, machine, rounds, load, servers } = circumstances;
  const page = [
    "# Results",
    `Measured on ${date.slice(0, 10)} with Node ${node} on ${machine}; ${servers.join("; ")}. ${rounds} rounds. The machine's load average ` +
      `was ${load.join(", ")} before, between and after the backends: the more it is above the number of cores, the more of this is noise. How it is measured, and what the columns mean: [README.md](README.md).`,
  ];
  for (const backend of backendNames) {
    const headings = sheet.headings().filter((heading) => heading.backend === backend);
    if (headings.length === 0) continue;
    page.push(`## ${backendTitles[backend]}`, "### Targets", toMarkdown(targetTable(sheet, backend)));
    for (const heading of headings) {
      page.push(
        `### ${backendTitles[backend]}: ${heading.part}, ${heading.variant}`,
        toMarkdown(tableOf(sheet, heading)),
      );
    }
    for (const [name, chart] of chartsOf(sheet, backend))
      await writeFile(new URL(`${name}.svg`, docs), chart);
  }
  await writeFile(new URL("results.md", docs), `${page.join("\n\n")}\n`);
}
