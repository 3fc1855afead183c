import { isLockError } from "@lock/core";
import { setTimeout as pause } from "node:timers/promises";
import type { NotedClaims } from "../processes/noted-claims.ts";
import { seededRandom } from "../random.ts";

/** What a process does while it is soaked. */
export interface WorkPlan {
  readonly seed: number;
  /** Tells the process's choices from those of the others. */
  readonly name: string;
  readonly keys: readonly string[];
  /** How many claims are under way at once. */
  readonly together: number;
  /** Whether other limits than 1 are offered. */
  readonly limits: boolean;
  /** Milliseconds of every lease. */
  readonly lease: number;
  /** Whether the backend may be out of reach at times. */
  readonly cut: boolean;
}

// Mostly short; now and then longer than a lease, which has to be renewed then.
const works = [0, 0, 0, 1, 1, 2, 5, 5, 10, 20];
const impatient = "100ms";
const timeouts = ["20s", "20s", "20s", "20s", "20s", impatient] as const;
const limits = [1, 1, 1, 3, Infinity];

/** Makes claims of all kinds until told to rest, and reports any that ended as none should. */
export async function runWorkload(
  claims: NotedClaims,
  plan: WorkPlan,
  resting: AbortSignal,
  surprise: (message: string) => void,
): Promise<void> {
  const { keys, lease, cut } = plan;
  const expire = `${lease}ms` as const;
  let calls = 2_000_000;

  const worker = async (_: unknown, lane: number): Promise<void> => {
    const random = seededRandom(plan.seed, `${plan.name} ${lane}`);
    while (!resting.aborted) {
      const wanted = random.shuffled(keys).slice(0, random.below(3) === 0 ? 2 : 1);
      const limit = plan.limits ? random.pick(limits) : 1;
      const args = { limit, expire, timeout: random.pick(timeouts) };
      const isLong = random.below(1_000) === 0;
      // What `acquire` took is not renewed: it must be done long before its lease ends.
      const byHand = !isLong && random.below(5) === 0;
      const work = isLong ? lease * 1.5 : random.pick(works);
      const job = async (): Promise<void> => await pause(work);
      try {
        if (byHand) await claims.acquire(++calls, wanted, { ...args, awaitQueue: true }, job);
        else await claims.execute(++calls, wanted, args, job);
      } catch (error) {
        if (!isExpected(error, cut || args.timeout === impatient))
          surprise(`[${wanted.join(", ")}] ended with ${String(error)}`);
      }
      await pause(random.below(20));
    }
  };
  await Promise.all(Array.from({ length: plan.together }, worker));
}

/**
 * Waiting may be in vain, a process that stood still loses what it held, and a backend that is cut off, or too busy for
 * the impatient, can't be asked.
 */
function isExpected(error: unknown, isFar: boolean): boolean {
  return (
    isLockError(error, "LOCK_TIMEOUT") ||
    isLockError(error, "LOCK_LOST") ||
    (isFar && isLockError(error, "LOCK_UNAVAILABLE"))
  );
}
