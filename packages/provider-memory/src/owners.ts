import type { Holding } from "./key-record.ts";

/** What each owner holds, in a list from the latest back: most have one thing only, for which a set would take more than all the rest. */
export class Owners {
  readonly #latest = new Map<string, Holding>();

  add(holding: Holding): void {
    const { ownerId } = holding;
    if (ownerId === null) return;
    const earlier = this.#latest.get(ownerId) ?? null;
    holding.earlier = earlier;
    if (earlier !== null) earlier.later = holding;
    this.#latest.set(ownerId, holding);
  }

  remove(holding: Holding): void {
    const { ownerId, earlier, later } = holding;
    if (ownerId === null) return;
    if (earlier !== null) earlier.later = later;
    if (later !== null) later.earlier = earlier;
    else if (earlier !== null) this.#latest.set(ownerId, earlier);
    else this.#latest.delete(ownerId);
    holding.earlier = holding.later = null;
  }

  /** What one of them holds, in the order in which it was granted. */
  of(ownerId: string): Holding[] {
    const holdings: Holding[] = [];
    let each = this.#latest.get(ownerId) ?? null;
    for (; each !== null; each = each.earlier) holdings.push(each);
    return holdings.toReversed();
  }
}
