import type { Claim, StoreEvents, TakeReply } from "@lock/core";
import type { Follower } from "./spot.ts";

/** As many as the engine sends together itself. */
const MOST = 100;

/** Those who asked for the locks, and how they come to ask the server after all. */
export class Callers {
  /** Who is told what there is to tell them. */
  events: StoreEvents | null = null;
  /** Nobody asks any more. */
  closed = false;
  readonly #ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>;
  readonly #underWay = new Set<string>();

  constructor(ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>) {
    this.#ask = ask;
  }

  /** Whether it is asked for without its caller's doing, and not yet answered. */
  isUnderWay(claimId: string): boolean {
    return this.#underWay.has(claimId);
  }

  /** Asks for claims whose callers wait to be answered. */
  askFor(followers: readonly Follower[]): void {
    for (let from = 0; from < followers.length; from += MOST) {
      const some = followers.slice(from, from + MOST);
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
    for (let from = 0; from < claims.length; from += MOST) {
      const some = claims.slice(from, from + MOST);
      const ids = some.map(({ id }) => id);
      for (const id of ids) this.#underWay.add(id);
      void this.#ask(some)
        .catch(() => {})
        .then(() => {
          for (const id of ids) this.#underWay.delete(id);
          this.events?.wake(ids);
        });
    }
  }
}
