import type { NotedRelease } from "../operations/release.ts";

interface Name {
  readonly grantId: string;
  readonly tombstone: boolean;
  /** Whether a note of it stands at the key. */
  readonly noted: boolean;
  /** When it can be forgotten in any case, by the monotonic clock. */
  readonly until: number;
}

/** What the server knows by another name: what the last of several claims that had it gives back, until that is answered. */
export class Names {
  readonly #names = new Map<string, Name>();

  set(claimId: string, name: Name, now: number): void {
    for (const [id, { until }] of this.#names) {
      if (until > now) break;
      this.#names.delete(id);
    }
    this.#names.set(claimId, name);
  }

  delete(claimId: string): void {
    this.#names.delete(claimId);
  }

  /** A release of the claim as the server understands it. */
  apply(release: NotedRelease, claimId: string): NotedRelease {
    const name = this.#names.get(claimId);
    if (name === undefined) return release;
    const { grantId, tombstone, noted } = name;
    return { by: "grant", grantId, keys: release.keys, tombstone, noted };
  }
}
