import type { Opened } from "../contender.ts";

/** Asynchronous as jobs are: some of the contenders have a shorter way for those that are not. */
const nothing = async (): Promise<void> => {};

/** Where nothing crosses a network, a look at the clock each time would be a good part of what is measured. */
const LOCAL_STRIDE = 32;

export interface Repeated {
  readonly operations: number;
  readonly perSecond: number;
}

/** Takes and gives back, `at` callers at a time, each on a key of its own. */
export async function repeat(
  opened: Opened,
  { backend, milliseconds, at }: { backend: string; milliseconds: number; at: number },
): Promise<Repeated> {
  const stride = backend === "memory" ? LOCAL_STRIDE : 1;
  let operations = 0;
  const begin = performance.now();
  const call = async (key: string): Promise<void> => {
    while (performance.now() - begin < milliseconds) {
      for (let time = 0; time < stride; time += 1) await opened.run(key, nothing);
      operations += stride;
    }
  };
  await Promise.all(Array.from({ length: at }, (_, caller) => call(`own-${process.pid}-${caller}`)));
  return { operations, perSecond: (operations / (performance.now() - begin)) * 1000 };
}
