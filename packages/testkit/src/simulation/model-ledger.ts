import type { Release } from "@lock/core";
import type { Holding, Place } from "./model-grant.ts";

/** What is held and who waits, and how either goes away. */
export class ModelLedger {
  holdings: Holding[] = [];
  places: Place[] = [];
  /** The backend's clock. */
  readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** The key as it is held under this grant. */
  holding(key: string, grantId: string): Holding | undefined {
    return this.holdings.find((each) => each.key === key && each.grant.id === grantId);
  }

  /** Whether there was something to free. */
  free(release: Release): boolean {
    if (release.by === "claim") return this.#withdraw(release.claimId);
    const freed = release.keys.map((key) => {
      const held = this.holdings.filter(
        ({ key: other, grant }) =>
          other === key &&
          (release.by === "grant"
            ? grant.id === release.grantId
            : grant.kind === "acquire" && grant.ownerId === release.ownerId),
      );
      for (const each of held) this.meddle(each);
      return held.length > 0;
    });
    if (release.by === "grant") {
      this.forgetBefore(({ grant }) => grant.id === release.grantId);
      // Then the claim is over as well, wherever a late request of it was granted. Without, another call may have released its grant.
      if (release.tombstone) this.#withdraw(release.grantId, ({ grant }) => grant.id !== release.grantId);
    }
    return freed.every(Boolean);
  }

  #withdraw(claimId: string, isMeant: (holding: Holding) => boolean = () => true): boolean {
    const waited = this.leave(claimId);
    this.forgetBefore(({ claims }) => claims.delete(claimId) && claims.size === 0);
    const held = this.holdings.filter((each) => isMeant(each) && each.claims.delete(claimId));
    for (const each of held) {
      if (each.claims.size > 0) continue;
      this.#remove(each);
      this.#restore(each.before);
    }
    return waited || held.length > 0;
  }

  #restore(before: Holding | null): void {
    if (before === null) return;
    if (before.endsAt <= this.now()) return this.#restore(before.before);
    this.holdings.push(before);
  }

  /** What was to come back, and was released or withdrawn itself, does not. */
  forgetBefore(isOver: (holding: Holding) => boolean): void {
    for (const holding of this.holdings) {
      for (let each = holding; each.before !== null;) {
        if (isOver(each.before)) each.before = each.before.before;
        else each = each.before;
      }
    }
  }

  /** Frees what another call holds. */
  meddle(holding: Holding): void {
    holding.grant.meddled = true;
    this.#remove(holding);
  }

  #remove(holding: Holding): void {
    this.holdings = this.holdings.filter((each) => each !== holding);
  }

  /** Ends a claim's waiting. */
  leave(claimId: string): boolean {
    const place = this.places.find((each) => each.claim.id === claimId);
    if (place === undefined) return false;
    this.places = this.places.filter((each) => each !== place);
    return true;
  }
}
