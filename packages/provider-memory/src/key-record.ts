import type { Claim } from "@lock/core";

/** One key as one grant holds it. It carries its own places in the lists that it is in. */
export class Holding {
  readonly key: string;
  readonly grantId: string;
  readonly ownerId: string | null;
  readonly kind: Claim["kind"];
  readonly limit: number;
  readonly token: number;
  /** On the clock of the store; `Infinity`: never. */
  expiresAt: number;
  /** What the owner held of this key before this grant took it over, to be restored if the claim is withdrawn. */
  before: Holding | null = null;
  /** Who holds the key besides, since later. Written by the key's record alone. */
  next: Holding | null = null;
  /** What the owner holds besides, since earlier and since later. Written by `Owners` alone. */
  earlier: Holding | null = null;
  later: Holding | null = null;

  constructor(key: string, claim: Grantee, token: number, expiresAt: number) {
    this.key = key;
    this.grantId = claim.id;
    this.ownerId = claim.ownerId;
    this.kind = claim.kind;
    this.limit = claim.limit;
    this.token = token;
    this.expiresAt = expiresAt;
  }

  /** Whether it is what `acquire` gave this owner, or to no owner. A job's lock is nobody's. */
  isOf(ownerId: string | null): boolean {
    return this.kind === "acquire" && this.ownerId === ownerId;
  }
}

type Grantee = Pick<Claim, "id" | "ownerId" | "kind" | "limit">;

/** A claim that waits. */
export interface Waiting {
  readonly claim: Claim;
  readonly ticket: number;
  /** When the first lease in its way ends, as far as it was told. */
  knowsOf: number;
  /** The first of its places, of which it has one for each of its keys. */
  place: Place | null;
}

/** A place in the queue of one key. */
export interface Place {
  readonly key: string;
  readonly waiting: Waiting;
  /** The next place of the same claim. */
  readonly sibling: Place | null;
  previous: Place | null;
  next: Place | null;
}

/**
 * Who holds a key, and who waits for it: linked lists, those who hold it in the order in which it was granted, those who wait in order of tickets,
 * since waiters leave from anywhere. Most keys have one holder, and an array would take more than all the rest.
 */
export class KeyRecord {
  readonly key: string;
  #holder: Holding | null = null;
  #first: Place | null = null;
  #last: Place | null = null;

  constructor(key: string) {
    this.key = key;
  }

  /** Who has held it for longest; the others follow as `next`. */
  get holder(): Holding | null {
    return this.#holder;
  }

  get first(): Place | null {
    return this.#first;
  }

  get unused(): boolean {
    return this.#holder === null && this.#first === null;
  }

  hold(holding: Holding): void {
    if (this.#holder === null) {
      this.#holder = holding;
      return;
    }
    let last = this.#holder;
    while (last.next !== null) last = last.next;
    last.next = holding;
  }

  letGo(holding: Holding): void {
    const { next } = holding;
    holding.next = null;
    if (this.#holder === holding) {
      this.#holder = next;
      return;
    }
    let before = this.#holder;
    while (before !== null && before.next !== holding) before = before.next;
    if (before !== null) before.next = next;
  }

  /** Adds a place at the end of the queue. `sibling`: another place of the same claim. */
  enqueue(waiting: Waiting, sibling: Place | null): Place {
    const previous = this.#last;
    const place: Place = { key: this.key, waiting, sibling, previous, next: null };
    if (previous === null) this.#first = place;
    else previous.next = place;
    this.#last = place;
    return place;
  }

  dequeue(place: Place): void {
    if (place.previous === null) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === null) this.#last = place.previous;
    else place.next.previous = place.previous;
  }
}

/** Those who hold a key, as a list that stays as it is when one of them lets go. */
export function listHoldings(first: Holding | null): Holding[] {
  const holdings: Holding[] = [];
  for (let each = first; each !== null; each = each.next) holdings.push(each);
  return holdings;
}
