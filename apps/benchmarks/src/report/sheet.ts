import type { BackendName } from "../contenders/of-backend.ts";
import { parts, type Part } from "../part.ts";

/** Where on the sheet something stands. */
export interface Heading {
  readonly backend: BackendName;
  readonly part: Part;
  readonly variant: string;
}

/** One figure of one contender, as often as it was measured. */
export interface Measurement extends Heading {
  readonly contender: string;
  readonly standing: "ours" | "raw" | "peer";
  readonly metric: string;
  readonly samples: readonly number[];
}

export interface Competitor {
  readonly name: string;
  readonly standing: Measurement["standing"];
}

/** Everything that was measured. Tables, targets and charts are read from it. */
export class Sheet {
  readonly measurements: Measurement[] = [];

  add(heading: Heading, { name, standing }: Competitor, metric: string, sample: number): void {
    const found = this.#find(heading, name, metric);
    if (found !== undefined) return void (found.samples as number[]).push(sample);
    const { backend, part, variant } = heading;
    this.measurements.push({ backend, part, variant, contender: name, standing, metric, samples: [sample] });
  }

  samples(heading: Heading, contender: string, metric: string): readonly number[] {
    return this.#find(heading, contender, metric)?.samples ?? [];
  }

  /** Who competed there: ours, the plain client, peers. */
  competitors(heading: Heading): Competitor[] {
    const found = new Map<string, Competitor>();
    for (const { contender, standing } of this.of(heading)) {
      found.set(contender, { name: contender, standing });
    }
    const rank = ["ours", "raw", "peer"];
    const byName = (a: Competitor, b: Competitor): number => a.name.localeCompare(b.name, "en");
    return [...found.values()].sort(
      (a, b) => rank.indexOf(a.standing) - rank.indexOf(b.standing) || byName(a, b),
    );
  }

  of(heading: Heading): Measurement[] {
    return this.measurements.filter((measurement) => isUnder(measurement, heading));
  }

  headings(): Heading[] {
    const found = new Map<string, Heading>();
    for (const { backend, part, variant } of this.measurements) {
      found.set(`${backend} ${part} ${variant}`, { backend, part, variant });
    }
    return [...found.values()].sort((a, b) => parts.indexOf(a.part) - parts.indexOf(b.part));
  }

  #find(heading: Heading, contender: string, metric: string): Measurement | undefined {
    return this.measurements.find(
      (measurement) =>
        isUnder(measurement, heading) && measurement.contender === contender && measurement.metric === metric,
    );
  }
}

function isUnder(measurement: Heading, { backend, part, variant }: Heading): boolean {
  return measurement.backend === backend && measurement.part === part && measurement.variant === variant;
}
