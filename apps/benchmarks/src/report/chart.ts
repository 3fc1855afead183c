import type { Spread } from "../statistics/spread.ts";
import { figure } from "./figure.ts";

export interface Bar {
  readonly label: string;
  readonly standing: "ours" | "raw" | "peer";
  readonly spread: Spread;
}

export interface Chart {
  readonly title: string;
  /** What the numbers are, and which are better. */
  readonly unit: string;
  /** Of numbers that differ by powers of ten. */
  readonly logarithmic: boolean;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABELS = 250;
const FIGURES = 70;
const LINE = 24;
const HEAD = 52;

const style = `text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:15px}.unit{fill:#59636e}
.ours{fill:#0969da}.raw{fill:#818b98}.peer{fill:#c8cfd6}.half{stroke:#1f2328;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.unit{fill:#9198a1}.ours{fill:#4493f8}.raw{fill:#656c76}.peer{fill:#3d444d}.half{stroke:#f0f6fc}}`;

/** Horizontal bars, each with the line that half of the rounds lie on. */
export function draw({ title, unit, logarithmic, bars }: Chart): string {
  const room = WIDTH - LABELS - FIGURES;
  const values = bars.flatMap(({ spread }) => [spread.low, spread.median, spread.high]);
  const greatest = Math.max(...values);
  const least = logarithmic ? Math.min(...values) / 2 : 0;
  const along = (value: number): number => {
    const share = logarithmic ? Math.log(value / least) / Math.log(greatest / least) : value / greatest;
    return Math.round(share * room * 10) / 10;
  };
  const height = HEAD + bars.length * LINE + 8;
  const lines = bars.map(({ label, standing, spread: { low, median, high } }, n) => {
    const top = HEAD + n * LINE;
    const middle = top + LINE / 2 - 2;
    return [
      `<text x="${LABELS - 10}" y="${middle + 5}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="${standing}" x="${LABELS}" y="${top}" width="${along(median)}" height="${LINE - 5}" rx="2"/>`,
      `<line class="half" x1="${LABELS + along(low)}" x2="${LABELS + along(high)}" y1="${middle}" y2="${middle}"/>`,
      `<text x="${LABELS + Math.max(along(median), along(high)) + 8}" y="${middle + 5}">${figure(median)}</text>`,
    ].join("\n");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<text class="title" x="0" y="18">${escaped(title)}</text>`,
    `<text class="unit" x="0" y="38">${escaped(unit)}</text>`,
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
