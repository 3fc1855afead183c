/** Leases and limits on the wire, where there is no `Infinity`. */

/** The longest lease that the server can count: some 28,000 years. What is longer is without end. */
const LONGEST_LEASE = 9e14;

/** Whole milliseconds, at least one; -1 without end. */
export function encodeLease(lease: number): number {
  return lease > LONGEST_LEASE ? -1 : Math.max(1, Math.ceil(lease));
}

export function decodeSpan(milliseconds: unknown): number {
  const span = Number(milliseconds);
  return span < 0 ? Infinity : span;
}

/** 0 where any number may hold the key. */
export function encodeLimit(limit: number): number {
  return limit === Infinity ? 0 : limit;
}

export function decodeLimit(limit: unknown): number {
  return Number(limit) || Infinity;
}
