/** What can happen to a process while it is soaked. */
export type Fault = "kill" | "stop" | "cut";

export interface SoakOptions {
  readonly milliseconds: number;
  readonly processes: number;
  readonly faults: readonly Fault[];
}

interface Written {
  readonly minutes?: string | undefined;
  readonly seconds?: string | undefined;
  readonly processes?: string | undefined;
  readonly faults?: string | undefined;
}

const known: readonly string[] = ["kill", "stop", "cut"] satisfies readonly Fault[];

/** Reads what was written on the command line. */
export function readSoakOptions({ minutes, seconds, processes, faults }: Written): SoakOptions {
  if (minutes !== undefined && seconds !== undefined) throw new TypeError("--minutes or --seconds, not both");
  const time =
    seconds === undefined ? positive("minutes", minutes ?? "1") * 60 : positive("seconds", seconds);
  const count = positive("processes", processes ?? "4");
  if (!Number.isInteger(count)) throw new TypeError(`--processes must be a whole number, not ${count}`);
  const wanted = faults === "none" ? [] : (faults ?? "kill,stop").split(",");
  const unknown = wanted.find((fault) => !known.includes(fault));
  if (unknown !== undefined) {
    throw new TypeError(`There is no fault "${unknown}"; there are ${known.join(", ")}, and none`);
  }
  return { milliseconds: time * 1_000, processes: count, faults: wanted as Fault[] };
}

function positive(name: string, written: string): number {
  const value = Number(written);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new TypeError(`--${name} must be a number above 0, not "${written}"`);
}
