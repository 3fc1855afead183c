import type { Claim } from "@lock/core";
import type { Holding, Place, Waiting } from "./key-record.ts";
import type { Ledger } from "./ledger.ts";

/** How a claim stands to its keys at one moment. */
export interface Standing {
  /** What its owner holds already, with the same limit. */
  readonly had: readonly Holding[];
  readonly lacking: readonly string[];
  /** Whether all that it lacks could be taken now. */
  readonly fits: boolean;
}

/**
 * The one rule: a claim fits when nobody stands earlier in the queue of a key that it lacks, and nobody holds that key, or
 * every holder has the same limit and there are fewer than that. `waiting` is its own place, if it has one.
 */
export function standing(ledger: Ledger, claim: Claim, waiting: Waiting | null, now: number): Standing {
  const had: Holding[] = [];
  const lacking: string[] = [];
  let fits = true;
  for (const key of claim.keys) {
    const holdings = ledger.holdings(key, now);
    const own = ownAmong(holdings, claim);
    if (own !== undefined) {
      had.push(own);
      continue;
    }
    lacking.push(key);
    const first = ledger.get(key)?.first ?? null;
    if (isPassing(first, waiting, holdings) || !hasRoom(holdings, claim.limit)) fits = false;
  }
  return { had, lacking, fits };
}

/** Whether the owner holds all of it already, under one grant. */
export function isHadWhole({ had, lacking }: Standing): boolean {
  return lacking.length === 0 && had.every((holding) => holding.grantId === had[0]!.grantId);
}

/** Whether somebody stands earlier in the queue of a key who lacks it. */
function isPassing(first: Place | null, waiting: Waiting | null, holdings: readonly Holding[]): boolean {
  const place = firstLacking(first, holdings);
  return place !== null && place.waiting.ticket < (waiting?.ticket ?? Infinity);
}

/** The first in the queue of a key who lacks it, as one does not whose owner holds it. */
export function firstLacking(first: Place | null, holdings: readonly Holding[]): Place | null {
  let place = first;
  while (place !== null && ownAmong(holdings, place.waiting.claim) !== undefined) place = place.next;
  return place;
}

/** How many wait for a key. */
export function countLacking(first: Place | null, holdings: readonly Holding[]): number {
  let count = 0;
  for (let place = first; place !== null; place = place.next) {
    if (ownAmong(holdings, place.waiting.claim) === undefined) count += 1;
  }
  return count;
}

function ownAmong(holdings: readonly Holding[], { kind, ownerId, limit }: Claim): Holding | undefined {
  if (ownerId === null || kind === "execute") return undefined;
  return holdings.find((holding) => holding.ownerId === ownerId && holding.limit === limit);
}

function hasRoom(holdings: readonly Holding[], limit: number): boolean {
  return holdings.length < limit && holdings.every((holding) => holding.limit === limit);
}

/** Who is in the way of a claim, if one of them is known, and when the first lease in its way ends. */
export function inTheWay(
  ledger: Ledger,
  { lacking }: Standing,
  now: number,
): { ownerId: string | null; freeAt: number } {
  let ownerId: string | null = null;
  let freeAt = Infinity;
  for (const key of lacking) {
    for (const holding of ledger.holdings(key, now)) {
      ownerId ??= holding.ownerId;
      freeAt = Math.min(freeAt, holding.expiresAt);
    }
  }
  return { ownerId, freeAt };
}
