import type { Claim } from "@lock/core";

/** Whether its grant does not expire. A job's lock dies with the process that runs the job, so it needs no lease. */
export function isEndless({ kind, lease }: Claim): boolean {
  return kind === "execute" || lease === Infinity;
}

/** Whether it is for one key, a stranger's, and without end. */
export function isSimple(claim: Claim): boolean {
  return claim.keys.length === 1 && claim.ownerId === null && isEndless(claim);
}
