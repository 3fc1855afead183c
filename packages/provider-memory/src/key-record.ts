import type { Claim } from "@lock/core";

/** One key as one grant holds it. */
export interface Holding {
  readonly key: string;
  readonly grantId: string;
  readonly ownerId: string | null;
  readonly kind: Claim["kind"];
  readonly limit: number;
  readonly token: number;
  /** On the clock of the store; `Infinity`: never. */
  expiresAt: number;
  /** What the owner held of this key before this grant took it over, to be restored if the claim is withdrawn. */
  before: Holding | null;
}

/** A claim that waits. */
export interface Waiting {
  readonly claim: Claim;
  readonly ticket: number;
  /** When the first lease in its way ends, as far as it was told. */
  knowsOf: number;
  /** Its places, one for each of its keys. */
  readonly places: Place[];
}

/** A place in the queue of one key. */
export interface Place {
  readonly key: string;
  readonly waiting: Waiting;
  previous: Place | null;
  next: Place | null;
}

/** Who holds a key, and who waits for it: a linked list in order of tickets, since waiters leave from anywhere. */
export class KeyRecord {
  readonly key: string;
  holdings: Holding[] = [];
  #first: Place | null = null;
  #last: Place | null = null;

  constructor(key: string) {
    this.key = key;
  }

  get first(): Place | null {
    return this.#first;
  }

  get unused(): boolean {
    return this.holdings.length === 0 && this.#first === null;
  }

  /** Adds a place at the end. */
  enqueue(waiting: Waiting): Place {
    const previous = this.#last;
    const place: Place = { key: this.key, waiting, previous, next: null };
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
