import type { Claim } from "@lock/core";
import type { Holding, Place } from "./key-record.ts";
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
export function standing(ledger: Ledger, claim: Claim, waiting: Place | null, now: number): Standing {
  const had: Holding[] = [];
  let fits = true;
  for (const key of claim.keys) {
    const holder = ledger.holder(key, now);
    const own = ownAmong(holder, claim);
    if (own !== undefined) {
      had.push(own);
      continue;
    }
    const first = ledger.get(key)?.first ?? null;
    if (isPassing(first, waiting, holder) || !hasRoom(holder, claim.limit)) fits = false;
  }
  // Mostly it lacks all of them.
  return { had, lacking: had.length === 0 ? claim.keys : keysBeside(claim.keys, had), fits };
}

function keysBeside(keys: readonly string[], had: readonly Holding[]): string[] {
  const others = new Set(keys);
  for (const { key } of had) others.delete(key);
  return [...others];
}

/** Whether the owner holds all of it already, under one grant. */
export function isHadWhole({ had, lacking }: Standing): boolean {
  return lacking.length === 0 && had.every((holding) => holding.grantId === had[0]!.grantId);
}

/** Whether somebody stands earlier in the queue of a key who lacks it. */
function isPassing(first: Place | null, waiting: Place | null, holder: Holding | null): boolean {
  const place = firstLacking(first, holder);
  return place !== null && place.ticket < (waiting?.ticket ?? Infinity);
}

/** The first in the queue of a key who lacks it, as one does not whose owner holds it. */
export function firstLacking(first: Place | null, holder: Holding | null): Place | null {
  let place = first;
  while (place !== null && ownAmong(holder, place.claim) !== undefined) place = place.next;
  return place;
}

/** How many wait for a key. */
export function countLacking(first: Place | null, holder: Holding | null): number {
  let count = 0;
  for (let place = first; place !== null; place = place.next) {
    if (ownAmong(holder, place.claim) === undefined) count += 1;
  }
  return count;
}

function ownAmong(holder: Holding | null, { kind, ownerId, limit }: Claim): Holding | undefined {
  if (ownerId === null || kind === "execute") return undefined;
  for (let each = holder; each !== null; each = each.next) {
    if (each.ownerId === ownerId && each.limit === limit) return each;
  }
  return undefined;
}

function hasRoom(holder: Holding | null, limit: number): boolean {
  let count = 0;
  for (let each = holder; each !== null; each = each.next) {
    if (each.limit !== limit) return false;
    count += 1;
  }
  return count < limit;
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
    for (let each = ledger.holder(key, now); each !== null; each = each.next) {
      ownerId ??= each.ownerId;
      freeAt = Math.min(freeAt, each.expiresAt);
    }
  }
  return { ownerId, freeAt };
}
