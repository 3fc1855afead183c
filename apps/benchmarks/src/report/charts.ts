import { backendTitles, type BackendName } from "../contenders/of-backend.ts";
import { contestName } from "../plan.ts";
import { manyAtATime, oneAtATime } from "../scenarios/uncontended.ts";
import { ratios, spread } from "../statistics/spread.ts";
import { draw, type Bar } from "./chart.ts";
import type { Heading, Sheet } from "./sheet.ts";

/** The charts of one backend, by the name of their file. What was not measured is not drawn. */
export function chartsOf(sheet: Sheet, backend: BackendName): Map<string, string> {
  const charts = new Map<string, string>();
  for (const [name, variant] of [
    ["one", oneAtATime],
    ["many", manyAtATime],
  ] as const) {
    const bars = speeds(sheet, { backend, part: "uncontended", variant });
    const title = `${backendTitles[backend]}: take and give back, ${variant}`;
    const unit = "speed, as a share of the plain client's (longer is better)";
    if (bars.length > 0) charts.set(`${backend}-${name}`, draw({ title, unit, logarithmic: false, bars }));
  }
  const waiters = 64;
  const contest = contestName({ waiters, processes: 1, link: false, hold: 1 });
  const bars = gaps(sheet, { backend, part: "contended", variant: contest });
  if (bars.length > 0 && backend !== "memory") {
    const title = `${backendTitles[backend]}: from one holder to the next, ${waiters} waiters`;
    const unit = "network round trips, on a logarithmic scale (shorter is better)";
    charts.set(`${backend}-contended`, draw({ title, unit, logarithmic: true, bars }));
  }
  return charts;
}

function speeds(sheet: Sheet, heading: Heading): Bar[] {
  const competitors = sheet.competitors(heading);
  const base = competitors.find(({ standing }) => standing === "raw")?.name ?? "";
  const bases = sheet.samples(heading, base, "ops/s");
  return competitors
    .map(({ name, standing }) => ({
      label: name,
      standing,
      spread: spread(ratios(sheet.samples(heading, name, "ops/s"), bases)),
    }))
    .toSorted((a, b) => b.spread.median - a.spread.median);
}

function gaps(sheet: Sheet, heading: Heading): Bar[] {
  return sheet
    .competitors(heading)
    .map(({ name, standing }) => {
      const samples = sheet.samples(heading, name, "gap, round trips").filter((gap) => gap > 0);
      return { label: name, standing, spread: spread(samples) };
    })
    .filter(({ spread }) => !Number.isNaN(spread.median))
    .toSorted((a, b) => a.spread.median - b.spread.median);
}
