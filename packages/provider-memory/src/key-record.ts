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

/** The place of a claim that waits, in the queue of one of its keys. Of its places the first stands for the claim. */
export class Place {
  readonly key: string;
  readonly claim: Claim;
  readonly ticket: number;
  /** The first of the claim's places, maybe itself. */
  readonly head: Place;
  /** When the first lease in its way ends, as far as it was told. Of the head alone. */
  knowsOf: number = Infinity;
  /** The claim's place for its next key. */
  sibling: Place | null = null;
  /** Its neighbours in the queue. Written by the key's record alone. */
  previous: Place | null = null;
  next: Place | null = null;

  constructor(key: string, claim: Claim, ticket: number, head: Place | null) {
    this.key = key;
    this.claim = claim;
    this.ticket = ticket;
    this.head = head ?? this;
  }
}

/** The first of the places of a claim, which has one for each of its keys. */
export function placesOf(claim: Claim, ticket: number): Place {
  const head = new Place(claim.keys[0]!, claim, ticket, null);
  let last = head;
  for (let index = 1; index < claim.keys.length; index += 1) {
    last.sibling = new Place(claim.keys[index]!, claim, ticket, head);
    last = last.sibling;
  }
  return head;
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

  /** Adds a place at the end of the queue. */
  enqueue(place: Place): void {
    place.previous = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
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
