import { grantOf } from "./overlap.ts";
import type { Tenure } from "./tenure.ts";

/**
 * The first two tenures of one key, whose tokens contradict their order, or which have the same token. Only what had certainly
 * ended before the other was granted is compared: by when the other began to act where the two may not hold together, else by when
 * it asked, since one of several that share may begin to act long after it was granted. A claim that is granted again in place has the
 * token of the first.
 */
export function findDisorder(tenures: readonly Tenure[]): readonly [Tenure, Tenure] | undefined {
  const fenced = tenures.filter((tenure) => tenure.granted.token !== undefined);
  return (
    findTwins(fenced) ??
    findLower(fenced, (tenure) => tenure.granted.at, mayNotShare) ??
    findLower(
      fenced.filter((tenure) => tenure.asked !== undefined).sort(byAsked),
      (tenure) => tenure.asked!.at,
      anyway,
    )
  );
}

function findTwins(tenures: readonly Tenure[]): readonly [Tenure, Tenure] | undefined {
  const seen = new Map<bigint, Tenure>();
  for (const tenure of tenures) {
    const twin = seen.get(tenure.granted.token!);
    if (twin !== undefined && grantOf(twin) !== grantOf(tenure)) return [twin, tenure];
    seen.set(tenure.granted.token!, tenure);
  }
  return undefined;
}

/** `tenures` in order of `since`. The highest token that had ended is kept for each limit: there are few. */
function findLower(
  tenures: readonly Tenure[],
  since: (tenure: Tenure) => bigint,
  isCertain: (ended: Tenure, tenure: Tenure) => boolean,
): readonly [Tenure, Tenure] | undefined {
  const byEnd = tenures
    .filter((tenure) => tenure.ended !== undefined)
    .sort((one, other) => (one.ended!.at < other.ended!.at ? -1 : one.ended!.at > other.ended!.at ? 1 : 0));
  const highest = new Map<number, Tenure>();
  const begun = new Set<unknown>();
  let next = 0;
  for (const tenure of tenures) {
    // Its token was given when its first claim was granted, and is compared there.
    if (begun.has(grantOf(tenure))) continue;
    begun.add(grantOf(tenure));
    for (
      let ended = byEnd[next];
      ended !== undefined && ended.ended!.at < since(tenure);
      ended = byEnd[++next]
    ) {
      const before = highest.get(ended.granted.limit);
      if (before === undefined || ended.granted.token! > before.granted.token!)
        highest.set(ended.granted.limit, ended);
    }
    for (const ended of highest.values()) {
      const isLower = tenure.granted.token! < ended.granted.token!;
      if (isLower && isCertain(ended, tenure)) return [ended, tenure];
    }
  }
  return undefined;
}

function mayNotShare({ granted: one }: Tenure, { granted: other }: Tenure): boolean {
  return one.limit === 1 || one.limit !== other.limit;
}

function anyway(): boolean {
  return true;
}

function byAsked({ asked: one }: Tenure, { asked: other }: Tenure): number {
  return one!.at < other!.at ? -1 : one!.at > other!.at ? 1 : 0;
}
