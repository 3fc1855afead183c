import { median } from "./spread.ts";

/** One holder's stay, in microseconds of a clock that all processes share. */
export interface Visit {
  readonly asked: number;
  readonly entered: number;
  readonly left: number;
}

/** What the visits to one key tell. */
export interface Account {
  readonly grants: number;
  /** How often somebody entered before everybody else had left. Anything but 0 is a broken lock. */
  readonly violations: number;
  /** Microseconds from a holder's leaving to the entering of the next, who had been waiting. */
  readonly gaps: readonly number[];
  readonly medianWait: number;
  readonly longestWait: number;
}

/** `until`: of what came later only exclusion and waits are told, since the waiters were fewer by then. */
export function account(visits: readonly Visit[], until: number): Account {
  const inOrder = [...visits].sort((a, b) => a.entered - b.entered);
  const gaps: number[] = [];
  let grants = 0;
  let violations = 0;
  let lastLeft = -Infinity;
  for (const { asked, entered, left } of inOrder) {
    if (entered < lastLeft) violations += 1;
    if (entered <= until) {
      grants += 1;
      if (asked < lastLeft && entered >= lastLeft) gaps.push(entered - lastLeft);
    }
    lastLeft = Math.max(lastLeft, left);
  }
  const waits = inOrder.map(({ asked, entered }) => entered - asked);
  return {
    grants,
    violations,
    gaps,
    medianWait: median(waits),
    longestWait: waits.reduce((longest, wait) => Math.max(longest, wait), 0),
  };
}
