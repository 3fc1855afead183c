import type { Opened } from "../contender.ts";
import { median } from "../statistics/spread.ts";

/** Asynchronous as jobs are: some of the contenders have a shorter way for those that are not. */
const nothing = async (): Promise<void> => {};

/** Where nothing crosses a network, a look at the clock each time would be a good part of what is measured. */
const LOCAL_STRIDE = 32;

export interface Repeated {
  readonly operations: number;
  readonly perSecond: number;
  /** Of one, in microseconds: what a stall of the machine does not show in. */
  readonly median: number;
}

/** Takes and gives back, `at` callers at a time, each on a key of its own. */
export async function repeat(
  opened: Opened,
  { backend, milliseconds, at }: { backend: string; milliseconds: number; at: number },
): Promise<Repeated> {
  const stride = backend === "memory" ? LOCAL_STRIDE : 1;
  let operations = 0;
  const took: number[] = [];
  const begin = performance.now();
  const call = async (key: string): Promise<void> => {
    for (let now = performance.now(); now - begin < milliseconds;) {
      for (let time = 0; time < stride; time += 1) await opened.run(key, nothing);
      operations += stride;
      const before = now;
      now = performance.now();
      took.push(now - before);
    }
  };
  await Promise.all(Array.from({ length: at }, (_, caller) => call(`own-${process.pid}-${caller}`)));
  const perSecond = (operations / (performance.now() - begin)) * 1_000;
  return { operations, perSecond, median: (median(took) / stride) * 1_000 };
}
