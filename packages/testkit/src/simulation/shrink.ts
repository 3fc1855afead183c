import { play, type Define } from "./play.ts";
import type { Schedule } from "./schedule.ts";

/** How many runs a schedule is worth that is made shorter. */
const RUNS = 2_000;

/**
 * The shortest schedule that still breaks the same rule: without the calls and faults that it does not need, those that are left as
 * plain as can be, and nothing befalling the messages that may as well arrive.
 */
export async function shrink(failing: Schedule, rule: string, define: Define): Promise<Schedule> {
  let shortest = failing;
  let runs = 0;
  const accept = async (candidate: Schedule): Promise<boolean> => {
    if (runs >= RUNS) return false;
    runs += 1;
    const { violation } = await play(candidate, define);
    if (violation?.rule !== rule) return false;
    shortest = candidate;
    return true;
  };
  for (let progress = true; progress;) {
    progress = false;
    for (const shorten of [withoutParts, plainer, plainerCalls, calmer(define)]) {
      for await (const done of shorten(() => shortest, accept)) progress ||= done;
    }
  }
  return shortest;
}

type Accept = (candidate: Schedule) => Promise<boolean>;
type Shorten = (schedule: () => Schedule, accept: Accept) => AsyncIterable<boolean>;

const withoutParts: Shorten = async function* (schedule, accept) {
  for (const part of ["calls", "faults"] as const) {
    for (let size = schedule()[part].length; size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < schedule()[part].length;) {
        const all: readonly unknown[] = schedule()[part];
        const left = all.filter((_each, index) => index < from || index >= from + size);
        const done = await accept({ ...schedule(), [part]: left });
        if (!done) from += size;
        yield done;
      }
    }
  }
};

const plainer: Shorten = async function* (schedule, accept) {
  const { store, weather } = schedule();
  const changes: Partial<Schedule>[] = [
    { weather: { ...weather, trouble: 0, pushTrouble: 0 } },
    { weather: { ...weather, trouble: 0 } },
    { weather: { ...weather, pushTrouble: 0 } },
    ...[1, 5, 40].map((latency) => ({ weather: { ...weather, latency } })),
    { store: { ...store, batch: 1 } },
    { store: { ...store, push: true } },
    { store: { ...store, tellsLost: false } },
  ];
  for (const change of changes) {
    if (isChange(schedule(), change)) yield await accept({ ...schedule(), ...change });
  }
};

const plainerCalls: Shorten = async function* (schedule, accept) {
  for (const { name } of schedule().calls) {
    const changes: object[] = [
      { extend: null },
      { abortsAfter: null },
      { limit: 1 },
      { throws: false },
      { listens: true },
      { leaves: false },
      { ownerId: null },
      ...(schedule().processes > 1 ? [{ process: 0 }, { process: 1 }] : []),
      { expire: undefined },
      { timeout: 5_000 },
      { lasts: 0 },
      { at: 0 },
    ];
    const call = schedule().calls.find((each) => each.name === name)!;
    if ("keys" in call) changes.push(...call.keys.map((key) => ({ keys: [key] })));
    for (const change of changes) {
      const now = schedule().calls.find((each) => each.name === name)!;
      if (!isChange(now, change)) continue;
      const calls = schedule().calls.map((each) => (each === now ? { ...now, ...change } : each));
      yield await accept({ ...schedule(), calls });
    }
  }
};

const calmer = (define: Define): Shorten =>
  async function* (schedule, accept) {
    const { troubled } = await play(schedule(), define);
    for (const message of troubled) {
      if (schedule().calm.includes(message)) continue;
      yield await accept({ ...schedule(), calm: [...schedule().calm, message] });
    }
  };

/** Whether a change would change anything that is there. */
function isChange(whole: object, change: object): boolean {
  return Object.entries(change).some(
    ([name, value]) =>
      name in whole && JSON.stringify((whole as Record<string, unknown>)[name]) !== JSON.stringify(value),
  );
}
