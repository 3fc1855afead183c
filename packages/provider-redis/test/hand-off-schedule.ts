/** What is done next. Numbers choose among what there is; where there is nothing, nothing is done. */
export type Step =
  | {
      readonly does: "execute" | "acquire";
      readonly process: number;
      readonly keys: readonly string[];
      readonly lease: number;
      readonly timeout: number;
    }
  | { readonly does: "end" | "abort"; readonly which: number }
  | { readonly does: "extend"; readonly which: number; readonly lease: number }
  | {
      readonly does: "arrive" | "hearAnswer" | "hearPush" | "arriveStray" | "flow";
      readonly process: number;
    }
  | { readonly does: "refuse" | "releaseAll" | "inspect" | "close"; readonly process: number }
  | {
      readonly does: "cut";
      readonly process: number;
      readonly carriedOut: number;
      readonly late: number;
      readonly after: number;
    }
  | { readonly does: "deafen"; readonly process: number; readonly abruptly: boolean; readonly after: number }
  | { readonly does: "wait"; readonly for: number };

/** `fair`: every message arrives, and soon; `slow`: each arrives; `foul`: whatever can go wrong does. */
type Weather = "fair" | "slow" | "foul";

export interface Schedule {
  readonly seed: number;
  readonly weather: Weather;
  readonly processes: number;
  /** How often a lock stays in its process while others wait. */
  readonly turns: number;
  readonly steps: readonly (Step & {
    /** The next comes before the sockets are read again. */
    readonly hasty: boolean;
  })[];
}

type Random = () => number;

export function randomSchedule(seed: number, random: Random): Schedule {
  const below = (end: number): number => Math.floor(random() * end);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const weather = pick<Weather>(["fair", "slow", "foul", "foul"]);
  const processes = 1 + below(3);
  const leases = pick([[30_000], [8_000], [2_000, 30_000], [4_000], [2_000], [30_000, 12_000]]);
  const keySets = pick([[["a"]], [["a"]], [["a"]], [["a"], ["b"]], [["a"], ["a"], ["b"], ["a", "b"]]]);
  const acquires = pick([0, 0, 0.2]);
  const common: Step["does"][] = ["execute", "execute", "execute", "end", "end", "abort"];
  common.push("arrive", "arrive", "arrive", "hearAnswer", "hearAnswer", "hearPush", "hearPush");
  common.push("flow", "flow", "wait", "wait");
  if (weather !== "fair") common.push("wait", "extend", "inspect");
  if (weather === "foul") {
    common.push(...pick<Step["does"][]>([["cut"], ["cut", "cut"], []]), "arriveStray", "refuse");
    common.push(...pick<Step["does"][]>([["deafen"], [], []]));
    common.push(...pick<Step["does"][]>([["releaseAll"], [], [], ["close"]]));
  }
  const process = (): number => below(processes);
  const step = (): Step => {
    const does = pick(common);
    switch (does) {
      case "execute":
      case "acquire": {
        const timeout = pick(weather === "fair" ? [600_000] : [0, 500, 5_000, 20_000, 600_000, 600_000]);
        const call = { process: process(), keys: pick(keySets), lease: pick(leases), timeout };
        return { does: random() < acquires ? "acquire" : "execute", ...call };
      }
      case "end":
      case "abort":
        return { does, which: below(8) };
      case "extend":
        return { does, which: below(8), lease: pick(leases) };
      case "cut":
        return {
          does,
          process: process(),
          carriedOut: below(3),
          late: below(3),
          after: pick([5, 100, 1_000, 6_000]),
        };
      case "deafen":
        return { does, process: process(), abruptly: random() < 0.5, after: pick([5, 300, 3_000]) };
      case "wait":
        return {
          does,
          for: pick(weather === "fair" ? [1, 5, 20] : [1, 10, 110, 210, 600, 1_100, 2_000, 3_100, 7_000]),
        };
      default:
        return { does, process: process() };
    }
  };
  const count = 8 + below(pick([20, 50, 90]));
  const hasty = pick([0, 0.2]);
  const steps = Array.from({ length: count }, () => ({ ...step(), hasty: random() < hasty }));
  return { seed, weather, processes, turns: pick([0, 0, 2]), steps };
}

/** The shortest schedule that is still as bad, with nothing in it that could be left out. */
export async function shortest(
  failing: Schedule,
  isAsBad: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let found = failing;
  for (let size = Math.ceil(found.steps.length / 2); size >= 1;) {
    let progress = false;
    for (let from = 0; from < found.steps.length;) {
      const steps = found.steps.filter((_, n) => n < from || n >= from + size);
      const candidate = { ...found, steps };
      if (await isAsBad(candidate)) {
        found = candidate;
        progress = true;
      } else {
        from += size;
      }
    }
    if (!progress || size > 1) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  for (const n of found.steps.keys()) {
    const steps = found.steps.map((step, at) => (at === n ? { ...step, hasty: false } : step));
    if (found.steps[n]?.hasty && (await isAsBad({ ...found, steps }))) found = { ...found, steps };
  }
  return found;
}

export function described({ seed, weather, processes, turns, steps }: Schedule): string {
  const lines = steps.map(({ does, hasty, ...rest }) => {
    const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    return `  ${[does, ...details].join(" ")}${hasty ? ", hasty" : ""}`;
  });
  return [`seed ${seed}, ${weather}, ${processes} processes, ${turns} turns:`, ...lines].join("\n");
}
