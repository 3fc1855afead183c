import type { Claim, StoreEvents, TakeReply } from "@lock/core";
import { MOST_TOGETHER } from "../same-tick.ts";
import type { Follower } from "./spot.ts";

/** Those who asked for the locks, and how they come to ask the server after all. */
export class Callers {
  /** Who is told what there is to tell them. */
  events: StoreEvents | null = null;
  /** Nobody asks any more. */
  closed = false;
  readonly #ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>;
  readonly #underWay = new Map<string, number>();
  readonly #over = new Set<string>();

  constructor(ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>) {
    this.#ask = ask;
  }

  /** Whether the server is asked for it, by its caller or without its doing, and has not answered. */
  isUnderWay(claimId: string): boolean {
    return this.#underWay.has(claimId);
  }

  /** Its caller has given it up: what is still said of it is nobody's. */
  giveUp(claimId: string): void {
    if (this.isUnderWay(claimId)) this.#over.add(claimId);
  }

  isOver(claimId: string): boolean {
    return this.#over.has(claimId);
  }

  sent(claims: readonly Claim[]): void {
    for (const { id } of claims) this.#underWay.set(id, (this.#underWay.get(id) ?? 0) + 1);
  }

  answered(claims: readonly Claim[]): void {
    for (const { id } of claims) {
      const others = (this.#underWay.get(id) as number) - 1;
      if (others > 0) this.#underWay.set(id, others);
      else if (this.#underWay.delete(id)) this.#over.delete(id);
    }
  }

  /** Asks for claims whose callers wait to be answered. */
  askFor(followers: readonly Follower[]): void {
    for (let from = 0; from < followers.length; from += MOST_TOGETHER) {
      const some = followers.slice(from, from + MOST_TOGETHER);
      this.#ask(some.map(({ claim }) => claim)).then(
        (replies) => {
          for (const [n, { settle }] of some.entries()) settle(replies[n] as TakeReply);
        },
        (error: unknown) => {
          for (const { settle } of some) settle({ status: "failed", error });
        },
      );
    }
  }

  /** Asks for claims whose callers were told that they wait. They hear that there is a reason to ask, and do. */
  send(claims: readonly Claim[]): void {
    if (this.closed) return;
    for (let from = 0; from < claims.length; from += MOST_TOGETHER) {
      const some = claims.slice(from, from + MOST_TOGETHER);
      const ids = some.map(({ id }) => id);
      void this.#ask(some)
        .catch(() => {})
        .then(() => this.events?.wake(ids));
    }
  }
}
