import type { Member } from "../crew/member.ts";
import type { Entry } from "../crew/tasks.ts";
import type { Visit } from "../statistics/history.ts";
import { sharedClock, type Visits } from "../work/contended.ts";

/** Microseconds from telling the processes until they begin, all at the same time. */
const NOTICE = 5_000;

/** What the processes saw, put together. */
export interface Together {
  readonly visits: readonly Visit[];
  readonly refused: number;
  readonly unserved: readonly number[];
  readonly until: number;
}

let contests = 0;

/** Lets the callers of all these processes contend for one key, which nobody had before. */
export async function contendTogether(
  crew: readonly Member[],
  ask: Entry & { readonly hold: number },
  time: { readonly milliseconds: number; readonly patience: number },
): Promise<Together> {
  contests += 1;
  const key = `contended-${process.pid}-${contests}`;
  const begin = sharedClock() + NOTICE;
  const told = await Promise.all(
    crew.map((member) => member.ask("contended", { ...ask, ...time, key, begin })),
  );
  return {
    visits: told.flatMap(readVisits),
    refused: told.reduce((sum, { refused }) => sum + refused, 0),
    unserved: told.flatMap(({ unserved }) => unserved),
    until: Math.min(...told.map(({ until }) => until)),
  };
}

function readVisits({ times }: Visits): Visit[] {
  const visits: Visit[] = [];
  for (let at = 0; at < times.length; at += 3) {
    visits.push({ asked: times[at]!, entered: times[at + 1]!, left: times[at + 2]! });
  }
  return visits;
}
