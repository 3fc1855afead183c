import { type Queued, Spot } from "./spot.ts";

/** The keys that callers of this process hold or want, by name and by who waits for them at the server. */
export class Spots {
  readonly #spots = new Map<string, Spot>();
  readonly #places = new Map<string, Spot>();

  known(key: string): Spot | undefined {
    return this.#spots.get(key);
  }

  at(key: string): Spot {
    let spot = this.#spots.get(key);
    if (spot === undefined) {
      spot = new Spot(key);
      this.#spots.set(key, spot);
    }
    return spot;
  }

  all(): IterableIterator<Spot> {
    return this.#spots.values();
  }

  /** Where a claim waits at the server. */
  of(claimId: string): Spot | undefined {
    return this.#places.get(claimId);
  }

  place(spot: Spot, queued: Queued): void {
    spot.place(queued);
    this.#places.set(queued.claim.id, spot);
  }

  displace(spot: Spot, claimId: string): void {
    if (spot.displace(claimId)) this.#places.delete(claimId);
  }

  /** Its claim is over, or has what it waited for elsewhere. */
  leave(spot: Spot, claimId: string): void {
    this.displace(spot, claimId);
    this.tidy(spot);
  }

  /** Nothing is kept of a key that nobody holds or wants. Of one that was forgotten before, another may be known since. */
  tidy(spot: Spot): void {
    if (spot.empty && this.#spots.get(spot.key) === spot) this.#spots.delete(spot.key);
  }

  /** It is known again, should it have been forgotten. */
  keep(spot: Spot): void {
    this.#spots.set(spot.key, spot);
  }
}
