import type { ApplicableCase } from "./applicable.ts";
import { groupByArea } from "./group-by-area.ts";
import type { PreparedSuite } from "./prepare.ts";
import { timeLimit } from "./run-case.ts";

// Most cases wait most of the time; too many at once would measure the machine.
const lanes = 6;

// Each of its cases keeps several processes busy.
const busy = new Set(["processes"]);

/** The cases of one area, as every runner is to run them. */
export interface ScheduledArea {
  readonly area: string;
  readonly cases: readonly ApplicableCase[];
  /** Its cases run one by one, with nothing beside them. */
  readonly alone: boolean;
}

/** What is to be run, in order, of all areas or of those that are named. */
export function schedule(suite: PreparedSuite, only?: readonly string[]): readonly ScheduledArea[] {
  const known = new Set([...suite.applicable, ...suite.excluded].map((one) => one.case.area));
  const unknown = only?.find((area) => !known.has(area));
  if (unknown !== undefined) {
    throw new TypeError(`There is no area "${unknown}"; there are ${[...known].join(", ")}`);
  }
  return [...groupByArea(suite.applicable)]
    .filter(([area]) => only?.includes(area) ?? true)
    .map(([area, cases]) => ({ area, cases, alone: busy.has(area) }));
}

/** Lets at most `lanes` of what it is given run side by side; the others wait their turn. */
export function openLanes(): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = lanes;
  return async (run) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** Runs all cases, those that run alone at the end. */
export async function runScheduled(
  areas: readonly ScheduledArea[],
  run: (one: ApplicableCase) => Promise<void>,
): Promise<void> {
  const lane = openLanes();
  const together = areas.filter((area) => !area.alone).flatMap((area) => area.cases);
  // The longest take a minute of waiting; begun at the end they would prolong the run by it.
  together.sort((one, other) => timeLimit(other) - timeLimit(one));
  await Promise.all(together.map(async (one) => await lane(async () => await run(one))));
  for (const one of areas.filter((area) => area.alone).flatMap((area) => area.cases)) await run(one);
}
