import type { Claim } from "@lock/core";

/** More keys than that are looked at in turns. */
const mostKeys = 2_000;

/** What the claims of this instance wait for: each may be handed a key that somebody dead holds, if only somebody looks. */
export class WaitingClaims {
  readonly #claims = new Map<string, readonly string[]>();

  get size(): number {
    return this.#claims.size;
  }

  has(claimId: string): boolean {
    return this.#claims.has(claimId);
  }

  add({ id, keys }: Claim): void {
    this.#claims.set(id, keys);
  }

  delete(claimId: string): void {
    this.#claims.delete(claimId);
  }

  keys(): string[] {
    const keys = new Set<string>();
    const seen: string[] = [];
    for (const [id, wanted] of this.#claims) {
      for (const key of wanted) keys.add(key);
      seen.push(id);
      if (keys.size >= mostKeys) break;
    }
    if (seen.length < this.#claims.size) for (const id of seen) this.#moveToEnd(id);
    return [...keys];
  }

  #moveToEnd(id: string): void {
    const wanted = this.#claims.get(id) as readonly string[];
    this.#claims.delete(id);
    this.#claims.set(id, wanted);
  }
}
