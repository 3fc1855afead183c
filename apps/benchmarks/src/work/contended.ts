import { setTimeout as pause } from "node:timers/promises";
import type { Opened } from "../contender.ts";

/** Every visit as three numbers: asked, entered, left, in microseconds of the machine's monotonic clock. */
export interface Visits {
  readonly times: Float64Array;
  /** How often a caller was told that its waiting was in vain. It asked again, and waited on. */
  readonly refused: number;
  /** How long those have been waiting, in microseconds, who were not served when patience ended. They wait still. */
  readonly unserved: readonly number[];
  /** When it was over; who waited then was still served, as far as patience went. */
  readonly until: number;
}

export interface Contention {
  readonly callers: number;
  readonly key: string;
  /** Milliseconds that each stays inside. */
  readonly hold: number;
  /** How long callers come back; 0: each asks once. */
  readonly milliseconds: number;
  /** Milliseconds after that in which those who wait may still be served. */
  readonly patience: number;
  /** When it begins, on the clock that all processes of a machine share. */
  readonly begin: number;
}

/** In microseconds. All processes of a machine read the same. */
export function sharedClock(): number {
  return Number(process.hrtime.bigint()) / 1000;
}

/** Callers that want the same key, once or again and again. */
export async function contend(opened: Opened, contention: Contention): Promise<Visits> {
  const { callers, milliseconds, key, hold, patience, begin } = contention;
  const times: number[] = [];
  const waiting = new Map<number, number>();
  let refused = 0;
  await pause(Math.max(0, (begin - sharedClock()) / 1000));
  const until = begin + milliseconds * 1000;
  const call = async (caller: number): Promise<void> => {
    let asked = sharedClock();
    do {
      waiting.set(caller, asked);
      let [entered, left] = [0, 0];
      const visit = async (): Promise<void> => {
        entered = sharedClock();
        waiting.delete(caller);
        if (hold > 0) await pause(hold);
        left = sharedClock();
        times.push(asked, entered, left);
      };
      try {
        await opened.run(key, visit);
      } catch {
        refused += 1;
      }
      // One that was refused has been waiting all the time.
      if (entered > 0) asked = sharedClock();
      else if (sharedClock() > until + patience * 1000) return;
    } while (waiting.has(caller) || sharedClock() < until);
  };
  const calls = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  await Promise.race([calls, pause(milliseconds + patience)]);
  const now = sharedClock();
  const unserved = [...waiting.values()].map((asked) => now - asked);
  return { times: Float64Array.from(times), refused, unserved, until };
}
