import { TOMBSTONE_LIFETIME } from "@lock/core";

/**
 * Claims of this instance that left a tombstone. They are not tried bare any more, so that the try need not look for tombstones: by rows, where
 * they are asked for then, the tombstone is found. No other instance asks for them.
 */
export class Withdrawn {
  readonly #until = new Map<string, number>();

  add(claimId: string): void {
    const now = performance.now();
    for (const [id, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(id);
    }
    // Anew at the end, so that they stand in the order in which they end.
    this.#until.delete(claimId);
    this.#until.set(claimId, now + TOMBSTONE_LIFETIME);
  }

  has(claimId: string): boolean {
    return this.#until.has(claimId);
  }
}
