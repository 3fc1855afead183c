import type { Opened } from "../contender.ts";

export interface QueueRun {
  /** Microseconds for each of them, from the first asking to the last leaving. */
  readonly each: number;
  readonly violations: number;
}

/** So many callers want one key at once; each gives way once while it is inside, so that a broken lock shows. */
export async function runQueue(opened: Opened, depth: number): Promise<QueueRun> {
  let inside = 0;
  let violations = 0;
  const visit = async (): Promise<void> => {
    inside += 1;
    if (inside > 1) violations += 1;
    await Promise.resolve();
    inside -= 1;
  };
  const begin = performance.now();
  await Promise.all(Array.from({ length: depth }, () => opened.run("queue", visit)));
  return { each: ((performance.now() - begin) * 1000) / depth, violations };
}
