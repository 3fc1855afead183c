import type { HistoryEvent } from "./event.ts";
import type { Tenure } from "./tenure.ts";

/** Who holds one key at one moment, apart by limit; a grant that one owner has by several claims is one. */
type Holders = Map<number, Map<unknown, Tenure>>;

/**
 * The first tenures of one key, in order of their beginning, that may not be together: two of which one is exclusive or whose limits
 * differ, or one more than the limit. A sweep over beginnings and ends, each visited once.
 */
export function findOverlap(tenures: readonly Tenure[]): readonly Tenure[] | undefined {
  const ends = tenures
    .filter((tenure) => tenure.ended !== undefined)
    .sort((one, other) => compare(one.ended!, other.ended!));
  const holders: Holders = new Map();
  let next = 0;
  for (const tenure of tenures) {
    const { limit, at } = tenure.granted;
    for (let ended = ends[next]; ended !== undefined && ended.ended!.at <= at; ended = ends[++next]) {
      const ofLimit = holders.get(ended.granted.limit);
      const grant = grantOf(ended);
      // Whoever releases a grant frees it for all who have it; whoever loses it, or stops, may be one of several.
      if (ended.ended!.kind === "released" || ofLimit?.get(grant) === ended) ofLimit?.delete(grant);
    }
    // One that ended in the very moment in which it began was over before anybody else could see it.
    if (tenure.ended !== undefined && tenure.ended.at <= at) continue;
    for (const [other, held] of holders) {
      const [stranger] = other === limit ? [] : held.values();
      if (stranger !== undefined) return [stranger, tenure];
    }
    const together = holders.get(limit) ?? new Map<unknown, Tenure>();
    holders.set(limit, together);
    const again = together.get(grantOf(tenure));
    if (again === undefined && together.size >= limit) return [...together.values(), tenure];
    if (again === undefined || endsBefore(again, tenure)) together.set(grantOf(tenure), tenure);
  }
  return undefined;
}

/** What stands for the grant: its token and owner, where it has both; else the tenure itself. */
export function grantOf(tenure: Tenure): unknown {
  const { token, ownerId } = tenure.granted;
  return token === undefined || ownerId == null ? tenure : `${token} ${ownerId}`;
}

function endsBefore(one: Tenure, other: Tenure): boolean {
  return one.ended !== undefined && (other.ended === undefined || one.ended.at < other.ended.at);
}

function compare(one: HistoryEvent, other: HistoryEvent): number {
  return one.at < other.at ? -1 : one.at > other.at ? 1 : 0;
}
