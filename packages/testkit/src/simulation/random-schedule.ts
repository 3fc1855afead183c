import { chance, pick, seededRandom } from "./seeded-random.ts";
import type { Call, Fault, Schedule, StoreKind, Weather } from "./schedule.ts";

/** `"mixed"`: from fair to foul. `"foul"`: always foul, and with faults. */
export type Climate = "mixed" | "foul";

const keySets = [["a"], ["a"], ["a"], ["b"], ["a", "b"], ["b", "a"], ["b", "c"], ["a", "b", "c"]];
const limits = [1, 1, 1, 1, 2, 3, Infinity];
const leases = [300, 500, 1_000, 2_000, 5_000, 30_000];

/** Makes the schedule of a seed. */
export function randomSchedule(seed: number, climate: Climate = "mixed"): Schedule {
  const random = seededRandom(Math.floor(chance(seed, 1) * 2 ** 32));
  const processes = 1 + Math.floor(random() * 4);
  // Now and then a crowd whose messages cross on a slow and faultless network: what is about order alone shows there.
  const crowd = climate === "mixed" && random() < 0.15;
  const weather = crowd
    ? { latency: pick(random, [90, 200, 400]), trouble: 0, pushTrouble: 0 }
    : randomWeather(random, climate);
  // Many at once, or one now and then.
  const span = crowd ? 1_500 : pick(random, [200, 3_000, 3_000, 12_000]);
  // Few keys, limits and owners in one run, or else hardly anybody meets.
  const palette: Palette = {
    keySets: crowd ? [["a"]] : pick(random, [keySets, keySets, [["a"], ["b"], ["a", "b"]]]),
    limits: crowd ? [1] : [pick(random, limits), pick(random, limits)],
    leases: crowd ? [30_000] : leases,
    lasts: crowd ? [50, 400, 4_000] : [0, 1, 50, 400, 1_000, 4_000, 12_000],
    owned: crowd ? 0.7 : pick(random, [0, 0.3, 0.9]),
    owners: pick(random, [["u"], ["u", "u", "v"]]),
    grain: pick(random, [1, 1, 100, 500]),
  };
  const calls: Call[] = [];
  const count = 1 + Math.floor(random() * 14);
  for (let name = 1; name <= count; name += 1) calls.push(randomCall(random, name, processes, span, palette));
  const faulty = !crowd && (climate === "foul" || random() < 0.5);
  const faults: Fault[] = [];
  for (let left = faulty ? 1 + Math.floor(random() * 3) : 0; left > 0; left -= 1) {
    const fault = randomFault(random, processes, span);
    // Two that set it far forward would outrun the tombstones.
    if (fault.kind !== "step" || !faults.some(({ kind }) => kind === "step")) faults.push(fault);
  }
  return { seed, processes, store: randomStore(random), weather, calls, faults, calm: [] };
}

function randomStore(random: () => number): StoreKind {
  return { batch: pick(random, [1, 3, 100]), push: random() < 0.85, tellsLost: random() < 0.3 };
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

interface Palette {
  readonly keySets: readonly (readonly string[])[];
  readonly limits: readonly number[];
  readonly leases: readonly number[];
  readonly lasts: readonly number[];
  /** The share of calls that acquire. */
  readonly owned: number;
  readonly owners: readonly string[];
  /** Milliseconds that the times of calls are rounded to, so that several fall into one tick and travel together. */
  readonly grain: number;
}

function randomCall(
  random: () => number,
  name: number,
  processes: number,
  span: number,
  palette: Palette,
): Call {
  const between = (from: number, to: number): number => Math.floor(from + random() * (to - from));
  const at = Math.floor(between(0, span) / palette.grain) * palette.grain;
  const called = { name, at, process: between(0, processes) };
  const owner = (): string | null => (random() < 0.8 ? pick(random, palette.owners) : null);
  const kind = random();
  if (kind < 0.06)
    return { does: "release", ...called, keys: pick(random, palette.keySets), ownerId: owner() };
  if (kind < 0.11) return { does: "releaseAll", ...called, ownerId: random() < 0.5 ? null : owner() };
  if (kind < 0.13) return { does: "close", ...called, at: between(0, span * 2), drain: between(0, 3_000) };
  const timeout = pick(random, [0, 200, 2_000, 5_000, 20_000, Infinity]);
  const wish = {
    ...called,
    keys: pick(random, palette.keySets),
    limit: pick(random, palette.limits),
    timeout,
    abortsAfter: timeout === Infinity || random() < 0.15 ? between(0, 8_000) : null,
    lasts: pick(random, palette.lasts),
    extend: random() < 0.25 ? { after: between(0, 1_500), expire: pick(random, [0, ...leases]) } : null,
  };
  if (random() < palette.owned) {
    const awaitQueue = random() < 0.8;
    const expire = pick(random, [undefined, undefined, 0, ...palette.leases]);
    return { does: "acquire", ...wish, ownerId: owner(), awaitQueue, expire, leaves: random() < 0.3 };
  }
  const expire = pick(random, [undefined, ...palette.leases]);
  return { does: "execute", ...wish, expire, listens: random() < 0.7, throws: random() < 0.1 };
}

function randomFault(random: () => number, processes: number, span: number): Fault {
  const between = (from: number, to: number): number => Math.floor(from + random() * (to - from));
  const at = between(0, span * 1.5);
  const process = between(0, processes);
  const lasts = pick(random, [50, 400, 1_000, 1_500, 2_500, 7_000, 15_000]);
  const kind = pick(random, ["crash", "pause", "pause", "cut", "cut", "step"] as const);
  switch (kind) {
    case "crash":
      return { kind, at, process };
    case "pause":
      return { kind, at, process, lasts, first: pick(random, ["timers", "messages"]) };
    case "cut":
      return { kind, at, process, lasts, silent: random() < 0.4 };
    case "step":
      return { kind, at, by: pick(random, [-20_000, -1_500, 700, 5_000, 30_000]) };
  }
}
