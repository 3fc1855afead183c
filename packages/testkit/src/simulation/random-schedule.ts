import { leases, randomManner, type Climate, type Manner } from "./manner.ts";
import { chance, pick, seededRandom } from "./seeded-random.ts";
import type { Call, Fault, Schedule } from "./schedule.ts";

/** Makes the schedule of a seed. */
export function randomSchedule(seed: number, climate: Climate = "mixed"): Schedule {
  const random = seededRandom(Math.floor(chance(seed, 1) * 2 ** 32));
  const manner = randomManner(random, climate);
  const { processes, store, weather } = manner;
  const calls: Call[] = [];
  const count = 1 + Math.floor(random() * 14);
  for (let name = 1; name <= count; name += 1) calls.push(randomCall(random, name, manner));
  const faults: Fault[] = [];
  for (let left = manner.faults; left > 0; left -= 1) {
    const fault = randomFault(random, manner);
    // Two that set it far forward would outrun the tombstones.
    if (fault.kind !== "step" || !faults.some(({ kind }) => kind === "step")) faults.push(fault);
  }
  return { seed, processes, store, weather, calls, faults, calm: [] };
}

function randomCall(random: () => number, name: number, manner: Manner): Call {
  const { processes, span } = manner;
  const between = (from: number, to: number): number => Math.floor(from + random() * (to - from));
  const at = Math.floor(between(0, span) / manner.grain) * manner.grain;
  const called = { name, at, process: between(0, processes) };
  const owner = (): string | null => (random() < 0.8 ? pick(random, manner.owners) : null);
  const kind = random();
  if (kind < 0.06)
    return { does: "release", ...called, keys: pick(random, manner.keySets), ownerId: owner() };
  if (kind < 0.11) return { does: "releaseAll", ...called, ownerId: random() < 0.5 ? null : owner() };
  if (kind < 0.13) return { does: "close", ...called, at: between(0, span * 2), drain: between(0, 3_000) };
  const timeout = pick(random, [0, 200, 2_000, 5_000, 20_000, Infinity]);
  const wish = {
    ...called,
    keys: pick(random, manner.keySets),
    limit: pick(random, manner.limits),
    timeout,
    abortsAfter: timeout === Infinity || random() < 0.15 ? between(0, 8_000) : null,
    lasts: pick(random, manner.lasts),
    extend: random() < 0.25 ? { after: between(0, 1_500), expire: pick(random, [0, ...leases]) } : null,
  };
  if (random() < manner.owned) {
    const awaitQueue = random() < 0.8;
    const expire = pick(random, [undefined, undefined, 0, ...manner.leases]);
    return { does: "acquire", ...wish, ownerId: owner(), awaitQueue, expire, leaves: random() < 0.3 };
  }
  const expire = pick(random, [undefined, ...manner.leases]);
  return { does: "execute", ...wish, expire, listens: random() < 0.7, throws: random() < 0.1 };
}

function randomFault(random: () => number, { processes, span }: Manner): Fault {
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
