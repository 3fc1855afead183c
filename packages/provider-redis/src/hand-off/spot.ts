import type { Claim, TakeReply } from "@lock/core";
import type { Hold } from "./hold.ts";

/** A claim that waits to hear what became of an earlier one of this process. */
export interface Follower {
  readonly claim: Claim;
  /** It came after one that does not wait here. */
  readonly behind: boolean;
  readonly reply: Promise<TakeReply>;
  readonly settle: (reply: TakeReply | PromiseLike<TakeReply>) => void;
}

/** A claim of this process that waits at the server. */
export interface Queued {
  readonly claim: Claim;
  readonly ticket: number;
  /** When the request was sent that was last answered so. */
  readonly since: number;
}

// Few keys are waited for: the others get no collections of their own.
const NONE: ReadonlyMap<string, Queued> = new Map();

/** What this process knows of a key that its callers want. */
export class Spot {
  readonly key: string;
  /** The one claim that is asked for while nothing is known, and what it is to hold. */
  asking: Claim | null = null;
  /** It was asked for more than once, so the server may have known it for a while. */
  repeated = false;
  /** One that does not wait here came since: who follows from now on waits behind it. */
  sealed = false;
  followers: Map<string, Follower> | null = null;
  /** The followers join as soon as the sockets are read. */
  readsFirst = false;
  hold: Hold | null = null;
  queued: ReadonlyMap<string, Queued> = NONE;
  /** Not before then are those who wait at the server asked for again. */
  recallAt = 0;

  constructor(key: string) {
    this.key = key;
  }

  get empty(): boolean {
    return this.hold === null && this.asking === null && this.followers === null && this.queued.size === 0;
  }

  place(queued: Queued): void {
    if (this.queued === NONE) this.queued = new Map();
    (this.queued as Map<string, Queued>).set(queued.claim.id, queued);
  }

  /** @returns whether it waited at the server. */
  displace(claimId: string): boolean {
    return this.queued !== NONE && (this.queued as Map<string, Queued>).delete(claimId);
  }

  follow(claim: Claim): Promise<TakeReply> {
    let settle: Follower["settle"] = () => {};
    const reply = new Promise<TakeReply>((resolve) => {
      settle = resolve;
    });
    (this.followers ??= new Map()).set(claim.id, {
      claim,
      behind: this.sealed && this.asking !== null,
      reply,
      settle,
    });
    return reply;
  }

  unfollow(claimId: string): void {
    this.followers?.delete(claimId);
    if (this.followers?.size === 0) this.followers = null;
  }

  /** Those who waited to hear; they do no longer. */
  takeFollowers(): readonly Follower[] {
    const followers = this.followers === null ? [] : [...this.followers.values()];
    this.followers = null;
    return followers;
  }
}
