import { setTimeout as pause } from "node:timers/promises";

/** What a checkout writes when it sells: the new stock, for whom, and the fencing token it holds the lock under. */
export interface Write {
  readonly left: number;
  readonly buyer: number;
  /** `null` without locks. */
  readonly token: bigint | null;
}

/**
 * The stock, as a database row would be: read in one request, written in another, each of which takes its time. Between
 * the two it may have changed, and nothing here prevents that; this is what the lock is for.
 */
export class Stock {
  #left: number;
  #newestToken = 0n;
  /** The buyers who were sold something, in order. */
  readonly receipts: number[] = [];

  constructor(left: number) {
    this.#left = left;
  }

  get left(): number {
    return this.#left;
  }

  async read(): Promise<number> {
    await pause(1);
    return this.#left;
  }

  /**
   * Fencing: a write under an older token than the last comes from a checkout that was stopped for so long that its
   * lock has passed on, and is refused.
   *
   * @returns whether it was accepted.
   */
  async write({ left, buyer, token }: Write): Promise<boolean> {
    await pause(1);
    if (token !== null) {
      if (token < this.#newestToken) return false;
      this.#newestToken = token;
    }
    this.#left = left;
    this.receipts.push(buyer);
    return true;
  }
}
