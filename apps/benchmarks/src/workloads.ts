import type { Locking } from "@lock/core";

/** One kind of use. `operation` is one lock taken, held for an empty job, and released. */
export interface Workload {
  readonly name: string;
  readonly callers: number;
  readonly operation: (locking: Locking, caller: number) => Promise<void>;
}

const emptyJob = (): void => {};

export const workloads: readonly Workload[] = [
  {
    name: "one caller, one key",
    callers: 1,
    operation: (locking) => locking.execute("alone", emptyJob),
  },
  {
    name: "64 callers, a key each",
    callers: 64,
    operation: (locking, caller) => locking.execute(`own-${caller}`, emptyJob),
  },
  {
    name: "64 callers, the same key",
    callers: 64,
    operation: (locking) => locking.execute("shared", emptyJob, { timeout: Infinity }),
  },
  {
    name: "one caller, five keys at once",
    callers: 1,
    operation: (locking) => locking.execute(["a", "b", "c", "d", "e"], emptyJob),
  },
];
