import { pick } from "./seeded-random.ts";
import type { StoreKind, Weather } from "./schedule.ts";

/** `"mixed"`: from fair to foul. `"foul"`: always foul, and with faults. */
export type Climate = "mixed" | "foul";

export const leases: readonly number[] = [300, 500, 1_000, 2_000, 5_000, 30_000];

const keySets = [["a"], ["a"], ["a"], ["b"], ["a", "b"], ["b", "a"], ["b", "c"], ["a", "b", "c"]];
const limits = [1, 1, 1, 1, 2, 3, Infinity];

/** What a run is like. Few keys, limits and owners in one, or else hardly anybody meets. */
export interface Manner {
  readonly processes: number;
  readonly store: StoreKind;
  readonly weather: Weather;
  /** How many. */
  readonly faults: number;
  /** Milliseconds within which the calls begin. */
  readonly span: number;
  /** Milliseconds that the times of calls are rounded to, so that several fall into one tick and travel together. */
  readonly grain: number;
  readonly keySets: readonly (readonly string[])[];
  readonly limits: readonly number[];
  readonly leases: readonly number[];
  readonly lasts: readonly number[];
  /** The share of calls that acquire. */
  readonly owned: number;
  readonly owners: readonly string[];
}

export function randomManner(random: () => number, climate: Climate): Manner {
  const any: Manner = {
    processes: 1 + Math.floor(random() * 4),
    store: { batch: pick(random, [1, 3, 100]), push: random() < 0.85, tellsLost: random() < 0.3 },
    weather: randomWeather(random, climate),
    faults: climate === "foul" || random() < 0.5 ? 1 + Math.floor(random() * 3) : 0,
    span: pick(random, [200, 3_000, 3_000, 12_000]),
    grain: pick(random, [1, 1, 100, 500]),
    keySets: pick(random, [keySets, keySets, [["a"]], [["a"], ["b"], ["a", "b"]]]),
    limits: [pick(random, limits), pick(random, limits)],
    leases,
    lasts: [0, 1, 50, 400, 1_000, 4_000, 12_000],
    owned: pick(random, [0, 0.3, 0.9]),
    owners: pick(random, [["u"], ["u", "u", "v"]]),
  };
  const roll = climate === "mixed" ? random() : 1;
  if (roll < 0.12) return { ...any, ...crowd(random) };
  return roll < 0.24 ? { ...any, ...volleys(random) } : any;
}

/** Messages that cross on a slow and faultless network: what is about order alone shows there. */
function crowd(random: () => number): Partial<Manner> {
  return {
    weather: { latency: pick(random, [90, 200, 400]), trouble: 0, pushTrouble: 0 },
    faults: 0,
    span: 1_500,
    keySets: [["a"]],
    limits: [1],
    leases: [30_000],
    lasts: [50, 400, 4_000],
    owned: 0.7,
  };
}

/** Short calls that travel together through foul weather: batches that fail as a whole, and arrive after all. */
function volleys(random: () => number): Partial<Manner> {
  return {
    processes: 1 + Math.floor(random() * 2),
    store: { batch: 100, push: true, tellsLost: false },
    weather: { latency: 5, trouble: 0.4, pushTrouble: 0 },
    faults: 0,
    span: 1_000,
    grain: 500,
    keySets: [["a"], ["b"], ["c"]],
    limits: [1],
    leases: [2_000],
    lasts: [0, 50],
    owned: 0.5,
  };
}

function randomWeather(random: () => number, climate: Climate): Weather {
  const latency = pick(random, [1, 5, 40, 90, 400, 400]);
  const foul = { latency, trouble: pick(random, [0.2, 0.4, 0.6]), pushTrouble: pick(random, [0.2, 0.6]) };
  if (climate === "foul") return foul;
  return pick<Weather>(random, [
    { latency, trouble: 0, pushTrouble: 0 },
    { latency, trouble: 0, pushTrouble: 0 },
    { latency, trouble: 0, pushTrouble: 0.5 },
    { latency, trouble: 0.06, pushTrouble: 0.06 },
    foul,
  ]);
}
