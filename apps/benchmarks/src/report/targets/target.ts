import { contestName, type Contest } from "../../plan.ts";
import { ratios } from "../../statistics/spread.ts";
import type { Heading, Sheet } from "../sheet.ts";

/** Something that we want to reach. */
export interface Target {
  readonly what: string;
  readonly at: "least" | "most";
  readonly bound: number;
  /** None where it wasn't measured. */
  readonly samples: (sheet: Sheet) => readonly number[];
}

export type At = (sheet: Sheet) => readonly number[];

export function of(heading: Heading, contender: string, metric: string): At {
  return (sheet) => sheet.samples(heading, contender, metric);
}

/** Round by round. */
export function per(samples: At, bases: At): At {
  return (sheet) => ratios(samples(sheet), bases(sheet));
}

export function beyond(samples: At, bases: At): At {
  return (sheet) => {
    const base = bases(sheet);
    return samples(sheet).map((sample, round) => sample - (base[round] ?? Number.NaN));
  };
}

/** The best of those whose name begins so, or of all peers: the greatest of each round, or the least. */
export function best(heading: Heading, metric: string, which: "greatest" | "least", begin = ""): At {
  return (sheet) => {
    const peers = sheet
      .competitors(heading)
      .filter(({ name, standing }) => standing === "peer" && name.startsWith(begin))
      .map(({ name }) => sheet.samples(heading, name, metric))
      .filter((samples) => samples.length > 0);
    const rounds = Math.min(...peers.map((samples) => samples.length));
    if (peers.length === 0) return [];
    const pick = which === "greatest" ? Math.max : Math.min;
    // A round in which a peer was never handed the key says nothing of it.
    return Array.from({ length: rounds }, (_, round) =>
      pick(...peers.map((samples) => samples[round]!).filter((sample) => !Number.isNaN(sample))),
    );
  };
}

export function contest(backend: Heading["backend"], over: Partial<Contest> & { waiters: number }): Heading {
  const full: Contest = { processes: 1, link: false, hold: 1, ...over };
  return { backend, part: "contended", variant: contestName(full) };
}
