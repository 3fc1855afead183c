import type { Claim } from "@lock/core";
import { isEndless } from "./endless.ts";
import { Expiries } from "./expiries.ts";
import { KeyRecord, listHoldings, type Holding } from "./key-record.ts";
import { Owners } from "./owners.ts";

/** Who holds what: by key, by owner, by expiry. A key that nobody holds or waits for takes no space, but for the last of them. */
export class Ledger {
  /** How often an expired holding was found and removed: who comes upon one must pass its key on. */
  expired = 0;
  readonly #keys = new Map<string, KeyRecord>();
  readonly #owners = new Owners();
  readonly #expiries: Expiries;
  // The key that was freed last: who takes one key again and again does not pay for forgetting it each time.
  #spare: KeyRecord | null = null;

  /** `passOn`: called with keys that expired while nobody asked for them. */
  constructor(passOn: (keys: readonly string[]) => void) {
    this.#expiries = new Expiries((holdings) => {
      for (const holding of holdings) this.remove(holding);
      passOn(holdings.map((holding) => holding.key));
    });
  }

  /** The time, where anything expires; otherwise it makes no difference, and isn't asked for. */
  now(): number {
    return this.isLasting ? 0 : performance.now();
  }

  /** The time, where it makes a difference for taking this: looking at the clock takes long. */
  timeFor(claim: Claim): number {
    return isEndless(claim) ? this.now() : performance.now();
  }

  /** Whether nothing expires. */
  get isLasting(): boolean {
    return this.#expiries.none;
  }

  /** Whether nobody holds a key or waits for it, nor held it with an expiry that was not noticed yet. */
  isUnknown(key: string): boolean {
    return this.get(key) === undefined;
  }

  get(key: string): KeyRecord | undefined {
    const record = this.#keys.get(key);
    return record?.unused === true ? undefined : record;
  }

  /** The record of a key, made if there is none. */
  record(key: string): KeyRecord {
    let record = this.#keys.get(key);
    if (record === undefined) {
      record = new KeyRecord(key);
      this.#keys.set(key, record);
    }
    return record;
  }

  /** Who holds a key at this moment: the first of them, whom the others follow. */
  holder(key: string, now: number): Holding | null {
    const first = this.#keys.get(key)?.holder ?? null;
    for (let each = first; each !== null; each = each.next) {
      if (each.expiresAt > now) continue;
      this.expired += 1;
      this.remove(each);
      return this.holder(key, now);
    }
    return first;
  }

  /** What a grant holds of a key at this moment. */
  find(key: string, grantId: string, now: number): Holding | undefined {
    for (let each = this.holder(key, now); each !== null; each = each.next) {
      if (each.grantId === grantId) return each;
    }
    return undefined;
  }

  /** A grant that was taken over by a later one is not brought back when that is withdrawn. */
  forgetBefore(key: string, grantId: string, now: number): void {
    for (let each = this.holder(key, now); each !== null; each = each.next) {
      if (each.before?.grantId === grantId) each.before = null;
    }
  }

  ofOwner(ownerId: string): Holding[] {
    return this.#owners.of(ownerId);
  }

  all(): Holding[] {
    return [...this.#keys.values()].flatMap((record) => listHoldings(record.holder));
  }

  add(holding: Holding): void {
    this.record(holding.key).hold(holding);
    if (holding.expiresAt !== Infinity) this.#expiries.note(holding);
    this.#owners.add(holding);
  }

  remove(holding: Holding): void {
    const record = this.#keys.get(holding.key)!;
    record.letGo(holding);
    this.tidy(record);
    if (holding.expiresAt !== Infinity) this.#expiries.forget(holding);
    this.#owners.remove(holding);
  }

  expire(holding: Holding, expiresAt: number): void {
    holding.expiresAt = expiresAt;
    this.#expiries.note(holding);
  }

  /** Forgets a record that nobody needs any more. */
  tidy(record: KeyRecord): void {
    if (!record.unused || record === this.#spare) return;
    if (this.#spare?.unused === true) this.#keys.delete(this.#spare.key);
    this.#spare = record;
  }

  close(): void {
    this.#expiries.close();
  }
}
