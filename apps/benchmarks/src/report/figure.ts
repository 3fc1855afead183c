import { spread } from "../statistics/spread.ts";

/** Three digits that count, and no more. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(size < 1 && size >= 0.1 ? 2 : 3)));
}

/** What is added up over the rounds, instead of having a middle. */
const totals = new Set(["violations", "refused", "locks lost"]);

/** The median, and between which values half of the rounds lie. */
export function figureOf(metric: string, samples: readonly number[]): string {
  if (samples.length === 0) return "";
  if (totals.has(metric)) return figure(samples.reduce((sum, sample) => sum + sample, 0));
  const { median, low, high } = spread(samples);
  const range = `${figure(low)}–${figure(high)}`;
  return samples.length < 3 || figure(low) === figure(high) ? figure(median) : `${figure(median)} (${range})`;
}
