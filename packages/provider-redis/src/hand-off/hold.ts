import type { Awaitable, Claim, KeyState, ReleaseReply, TakeReply } from "@lock/core";
import type { Queued } from "./spot.ts";
import type { Terms } from "./terms.ts";

/** A claim that waits in this process. */
export interface Local {
  readonly claim: Claim;
  readonly ticket: number;
  /** It came when others were known to wait, so it gets in before them on the terms only. */
  readonly late: boolean;
}

// Most locks are wanted by one: they get no collections of their own.
const NONE: ReadonlyMap<string, Local> = new Map();

export const FREED: ReleaseReply = { status: "released", freed: true };
export const NOT_FREED: ReleaseReply = { status: "released", freed: false };

/** Milliseconds for which the server's word counts that this process holds the key, and who waits there. */
export const WORD_LASTS = 4_000;
/** Milliseconds after which it is asked for its word again, as long as it matters. */
export const WORD_IS_OLD = 1_000;

const FEWEST_TOKENS = 256;
const MOST_TOKENS = 4_096;

/** What the server granted to this process, and one of its callers after the other has. */
export class Hold {
  /** The claim that the server knows it by. */
  readonly grantId: string;
  /** The place in the server's queue that it was granted at; 0: none. */
  readonly place: number;
  /** The token that the server gave; greater than any place in a queue that was told before. */
  readonly ticket: number;
  /** The fencing token of who has it now. */
  token: number;
  /** Milliseconds that each lease lasts. */
  readonly lease: number;
  /** What the connection was when it was granted: any other may lead to a server that does not know of it. */
  readonly standing: number;
  /** The claim that has it now; `null`: nobody, until there is word from the server. */
  holder: string | null;
  /** By the monotonic clock; counted from the send of what was confirmed. */
  deadline: number;
  /** What of it its holder was told, or renewed itself. */
  toldUntil: number;
  /** When the server was last asked that then gave its word. */
  wordAt: number = -Infinity;
  /** Asked, and not yet answered. */
  asking = false;
  /** Asking for word may be carried out after a renewal for another lease, and makes it last `lease` again. */
  strayWord = false;
  /** Those of this process who wait at the server are on their way home. */
  recalling = false;
  /** Who waits for it in this process, first come first. */
  locals: ReadonlyMap<string, Local> = NONE;
  /** Nobody joins any more: those who came since wait at the server. */
  sealed = false;
  /** It goes back to the server with the next release. */
  over = false;
  /** Since when others are known to wait at the server. */
  awaitedSince: number | null = null;
  /** A request of the claim may still arrive that could take again once this is released. */
  tombstone = false;
  #whenGone: Promise<ReleaseReply> | null = null;
  #gone: (reply: Awaitable<ReleaseReply>) => void = () => {};
  #turns = 0;
  #next = 0;
  #last = -1;
  #spare: { readonly first: number; readonly last: number } | null = null;
  #wanted = FEWEST_TOKENS;

  constructor({ id, lease }: Claim, place: number, token: number, deadline: number, standing: number) {
    this.grantId = id;
    this.place = place;
    this.ticket = token;
    this.token = token;
    this.lease = lease;
    this.deadline = deadline;
    this.toldUntil = deadline;
    this.standing = standing;
    this.holder = id;
  }

  get hasWord(): boolean {
    return this.wordAt !== -Infinity;
  }

  /** Whether one that followed before it was sealed may. */
  joins(claim: Claim, now: number, terms: Terms): boolean {
    return !this.over && claim.lease === this.lease && this.#within(now, terms);
  }

  /** @returns what to say to it. */
  join(claim: Claim): TakeReply {
    this.#add({ claim, ticket: this.ticket, late: this.awaitedSince !== null });
    return { status: "queued", ticket: this.ticket, checkIn: Infinity };
  }

  /** `late`: others who waited before it do still. */
  bringHome({ claim, ticket }: Queued, late: boolean): void {
    this.#add({ claim, ticket, late });
  }

  #add(local: Local): void {
    if (this.locals === NONE) this.locals = new Map();
    (this.locals as Map<string, Local>).set(local.claim.id, local);
  }

  /** @returns whether it waited here. */
  leave(claimId: string): boolean {
    return this.locals !== NONE && (this.locals as Map<string, Local>).delete(claimId);
  }

  /** Nobody waits here any more. @returns who did. */
  empty(): Claim[] {
    const claims = [...this.locals.values()].map(({ claim }) => claim);
    this.locals = NONE;
    return claims;
  }

  /** The first in line, if it may go before those who wait at the server. */
  first(now: number, terms: Terms): Local | null {
    const local = this.locals.values().next().value;
    if (local === undefined || this.over) return null;
    return !local.late || this.#within(now, terms) ? local : null;
  }

  /** Gives it to one that waits here, with a token of its own. @returns whether there was one left. */
  give(local: Local): boolean {
    if (this.#next > this.#last && this.#spare !== null) {
      ({ first: this.#next, last: this.#last } = this.#spare);
      this.#spare = null;
      this.#wanted = Math.min(this.#wanted * 2, MOST_TOKENS);
    }
    if (this.#next > this.#last) return false;
    this.leave(local.claim.id);
    this.holder = local.claim.id;
    this.toldUntil = this.deadline;
    if (local.late) this.#turns += 1;
    this.token = this.#next;
    this.#next += 1;
    return true;
  }

  /** How many tokens to ask for. */
  get wanted(): number {
    return this.#spare === null ? this.#wanted : 0;
  }

  get runsOut(): boolean {
    return this.#spare === null && (this.#last - this.#next + 1) * 2 < this.#wanted;
  }

  stock(last: number, count: number): void {
    if (count > 0) this.#spare = { first: last - count + 1, last };
  }

  /** Resolves when whoever gave it back last can be sure that another has it, or that it is free. */
  whenGone(): Promise<ReleaseReply> {
    this.#whenGone ??= new Promise((resolve) => {
      this.#gone = resolve;
    });
    return this.#whenGone;
  }

  gone(reply: Awaitable<ReleaseReply>): void {
    this.#gone(reply);
    this.#whenGone = null;
  }

  /** What the server says of the key, with what it does not know. */
  amended({ key, holders, waiting }: KeyState): KeyState {
    const known = BigInt(this.ticket);
    return {
      key,
      holders: holders.map((holder) =>
        holder.fencingToken === known ? { ...holder, fencingToken: BigInt(this.token) } : holder,
      ),
      waiting: waiting + this.locals.size,
    };
  }

  /** Others are known to wait. */
  noticed(now: number): void {
    this.awaitedSince ??= now;
  }

  #within(now: number, { turns, ms }: Terms): boolean {
    return this.awaitedSince === null || (this.#turns < turns && now < this.awaitedSince + ms);
  }
}
