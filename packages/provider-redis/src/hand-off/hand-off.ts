import {
  TOMBSTONE_LIFETIME,
  type Awaitable,
  type Claim,
  type KeyState,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type StoreEvents,
  type TakeReply,
} from "@lock/core";
import type { Locks } from "../bucket.ts";
import type { NotedRelease } from "../operations/release.ts";
import { Callers } from "./callers.ts";
import { FREED, NOT_FREED } from "./hold.ts";
import { Holds } from "./holds.ts";
import type { HandOffHost } from "./host.ts";
import type { Terms } from "./terms.ts";

/**
 * Stands in front of the server for the callers of one process: those that want a key which one of them holds wait here, and a release gives
 * it to the next without a request. What it does with a claim on many keys, or with limits, or with one that is kept by its owner,
 * is to pass it on.
 *
 * Order: claims wait here only behind one of this process, and only for as long as nobody else is known to wait at the server; those
 * who waited here by then still go first.
 */
export class HandOff implements Locks {
  readonly #locks: Locks;
  readonly #holds: Holds;
  // Claims whose last request failed, and when it was sent: the server may have known them for a while.
  readonly #unanswered = new Map<string, number>();

  constructor(locks: Locks, host: HandOffHost, terms: Terms) {
    this.#locks = locks;
    this.#holds = new Holds(host, terms, new Callers((claims) => this.#ask(claims)));
  }

  open(): Promise<void> {
    return this.#locks.open();
  }

  /** From now on, what there is to tell is told to `events`; what the server tells comes through what this returns. */
  listen(events: StoreEvents): HandOffEvents & Pick<StoreEvents, "granted"> {
    const holds = this.#holds;
    holds.callers.events = events;
    return {
      granted: (handover) => {
        holds.handedOver(handover);
        events.granted(handover);
      },
      awaited: (grantId) => holds.awaited(grantId),
      freed: (newest) => holds.freed(newest),
    };
  }

  close(): void {
    this.#holds.callers.closed = true;
  }

  take(claims: readonly Claim[]): Awaitable<readonly TakeReply[]> {
    const now = performance.now();
    let [here, later] = [0, false];
    const replies = claims.map((claim) => {
      const reply = this.#answer(claim, now);
      if (reply !== null) here += 1;
      if (reply instanceof Promise) later = true;
      return reply;
    });
    if (here === 0) return this.#ask(claims);
    if (here === claims.length && !later) return replies as TakeReply[];
    return this.#complete(claims, replies);
  }

  async renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
    const sentAt = performance.now();
    const holds = renewals.map((renewal) => this.#holds.renewing(renewal, sentAt));
    const asked = renewals.map((renewal, n) => {
      const grantId = holds[n]?.grantId ?? renewal.grantId;
      return grantId === renewal.grantId ? renewal : { ...renewal, grantId };
    });
    const replies = await this.#locks.renew(asked);
    return replies.map((reply, n) => {
      const hold = holds[n];
      const [key] = (renewals[n] as Renewal).keys;
      return hold && key !== undefined ? this.#holds.renewed(key, hold, reply, sentAt) : reply;
    });
  }

  release(releases: readonly Release[]): Awaitable<readonly ReleaseReply[]> {
    const now = performance.now();
    const asked: NotedRelease[] = [];
    let later = false;
    const replies = releases.map((release) => {
      const reply = this.#free(release, now);
      if ("by" in reply) asked.push(reply);
      else if (reply instanceof Promise) later = true;
      return "by" in reply ? null : reply;
    });
    if (asked.length === 0 && !later) return replies as ReleaseReply[];
    return this.#delivered(releases, asked, replies, later);
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    if (ownerId === null) this.#holds.giveAllUp();
    await this.#locks.releaseAll(ownerId);
  }

  /** What the server knows, and of this process' own callers what it does not. */
  async inspect(keys: readonly string[]): Promise<readonly KeyState[]> {
    const states = await this.#locks.inspect(keys);
    return states.map((state) => this.#holds.inspected(state));
  }

  /** What can be said of a claim without asking; `null`: nothing. */
  #answer(claim: Claim, now: number): TakeReply | Promise<TakeReply> | null {
    const holds = this.#holds;
    if (!isPlain(claim)) {
      if (claim.wait) for (const key of claim.keys) holds.seal(key);
      return null;
    }
    const spot = holds.spots.at(claim.keys[0] as string);
    const follower = spot.followers?.get(claim.id);
    if (follower) return follower.reply;
    const said = holds.answer(spot, claim, now);
    if (said !== null || spot.hold !== null) return said;
    if (spot.asking?.id === claim.id) {
      spot.repeated = true;
      return null;
    }
    // Who waits at the server keeps its place there by asking.
    if (spot.asking !== null) return claim.wait && !spot.queued.has(claim.id) ? spot.follow(claim) : null;
    if (spot.queued.size === 0) {
      spot.asking = claim;
      spot.sealed = false;
      spot.repeated = this.#unanswered.has(claim.id);
    }
    return null;
  }

  async #ask(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
    const { callers } = this.#holds;
    const sentAt = performance.now();
    let replies: readonly TakeReply[];
    callers.sent(claims);
    try {
      replies = await this.#locks.take(claims);
    } catch (error) {
      for (const claim of claims) this.#heard(claim, { status: "failed", error }, sentAt);
      callers.answered(claims);
      throw error;
    }
    const heard = claims.map((claim, n) => this.#heard(claim, replies[n] as TakeReply, sentAt));
    callers.answered(claims);
    return heard;
  }

  /** @returns what to say to the claim. */
  #heard(claim: Claim, reply: TakeReply, sentAt: number): TakeReply {
    if (!isPlain(claim)) return reply;
    const holds = this.#holds;
    const spot = holds.spots.at(claim.keys[0] as string);
    this.#unanswered.delete(claim.id);
    if (reply.status === "failed" && !holds.callers.isOver(claim.id)) this.#doubt(claim.id, sentAt);
    const here = reply.status === "queued" ? holds.atHome(spot, claim, reply.ticket) : null;
    if (here !== null) return here;
    const first = spot.asking?.id === claim.id;
    if (first) spot.asking = null;
    if (holds.callers.isOver(claim.id)) {
      holds.spots.displace(spot, claim.id);
    } else if (reply.status === "granted" && reply.grantId === claim.id) {
      holds.granted(spot, claim, Number(reply.token), sentAt + reply.remaining, first && !spot.repeated);
    } else if (reply.status === "queued") {
      holds.placed(spot, { claim, ticket: reply.ticket, since: sentAt });
    } else if (reply.status !== "failed") {
      holds.spots.displace(spot, claim.id);
    }
    if (first && spot.hold === null) holds.passing.follow(spot);
    holds.spots.tidy(spot);
    return reply;
  }

  /** Who is still waiting asks again by the second; one that ended while its request was repeated does not, and is forgotten. */
  #doubt(id: string, now: number): void {
    for (const [earlier, since] of this.#unanswered) {
      if (now - since < TOMBSTONE_LIFETIME) break;
      this.#unanswered.delete(earlier);
    }
    this.#unanswered.set(id, now);
  }

  async #complete(
    claims: readonly Claim[],
    here: readonly (TakeReply | Promise<TakeReply> | null)[],
  ): Promise<readonly TakeReply[]> {
    const asked = claims.filter((_, n) => here[n] === null);
    const answers = asked.length === 0 ? Promise.resolve([]) : this.#ask(asked);
    const there = await answers.catch((error: unknown) =>
      asked.map((): TakeReply => ({ status: "failed", error })),
    );
    let at = 0;
    return Promise.all(
      here.map((reply) => {
        if (reply !== null) return Promise.resolve(reply);
        at += 1;
        return Promise.resolve(there[at - 1] as TakeReply);
      }),
    );
  }

  /** What came of a release, or what to ask the server for. */
  #free(release: Release, now: number): ReleaseReply | Promise<ReleaseReply> | NotedRelease {
    if (release.by === "owner") return release;
    const holds = this.#holds;
    const id = release.by === "grant" ? release.grantId : release.claimId;
    holds.callers.giveUp(id);
    const unanswered = this.#unanswered.delete(id);
    const spot = release.keys.length === 1 ? holds.spots.known(release.keys[0] as string) : undefined;
    if (spot?.hold?.holder === id) return holds.passOn(spot, release, now);
    if (spot?.hold?.grantId === id) {
      // It gave it back before, and the server knows by its name what another has now.
      if (release.tombstone) spot.hold.tombstone = true;
      return NOT_FREED;
    }
    const named = holds.names.apply(release, id);
    if (release.by === "grant" || named !== release) {
      // Its hand-over may have been heard of before its place was.
      if (spot) holds.spots.leave(spot, id);
      return named;
    }
    if (spot?.hold?.leave(id)) {
      const gone = holds.leftBy(spot, spot.hold);
      // A request of it may have given it a place at the server, or do so yet.
      const strays = release.tombstone || holds.callers.isUnderWay(id);
      return strays ? { ...release, tombstone: true } : (gone ?? FREED);
    }
    const follower = spot?.followers?.get(id);
    if (spot && follower) {
      spot.unfollow(id);
      follower.settle({ status: "withdrawn" });
      const gone = spot.hold && holds.leftBy(spot, spot.hold);
      const unknown = !unanswered && !holds.callers.isUnderWay(id) && !spot.queued.has(id);
      if (unknown) return gone ?? NOT_FREED;
    }
    if (spot) holds.spots.leave(spot, id);
    return holds.callers.isUnderWay(id) ? { ...release, tombstone: true } : release;
  }

  async #delivered(
    releases: readonly Release[],
    asked: readonly NotedRelease[],
    here: readonly (ReleaseReply | Promise<ReleaseReply> | null)[],
    later: boolean,
  ): Promise<readonly ReleaseReply[]> {
    let there: readonly ReleaseReply[] = [];
    try {
      if (asked.length > 0) there = await this.#locks.release(asked);
    } catch (error) {
      if (asked.length === releases.length) throw error;
      there = asked.map(() => ({ status: "failed", error }));
    }
    let at = 0;
    const replies = here.map((reply, n) => {
      if (reply !== null) return reply;
      const answer = there[at] as ReleaseReply;
      at += 1;
      if (answer.status === "released") this.#forget(releases[n] as Release);
      return answer;
    });
    return later ? Promise.all(replies.map(async (reply) => reply)) : (replies as ReleaseReply[]);
  }

  /** It was answered: nothing is left of the claim, also where its grant was heard of meanwhile. */
  #forget(release: Release): void {
    if (release.by === "owner") return;
    const { names, spots, passing } = this.#holds;
    const id = release.by === "grant" ? release.grantId : release.claimId;
    names.delete(id);
    const spot = spots.known(release.keys[0] as string);
    if (spot === undefined) return;
    if (spot.hold?.grantId === id && spot.hold.holder === id) passing.end(spot, spot.hold);
    // It may have come home meanwhile, and would be given what it never gives back.
    if (spot.hold?.leave(id)) void this.#holds.leftBy(spot, spot.hold);
    spots.leave(spot, id);
  }
}

/** What else the server tells a process that hands locks on. */
export interface HandOffEvents {
  /** Others wait for what was granted to this claim. */
  awaited(grantId: string): void;
  /** All that was granted up to this token is free. */
  freed(newest: number): void;
}

/** The ordinary lock of a job, on one key. */
function isPlain({ kind, limit, keys, lease }: Claim): boolean {
  return kind === "execute" && limit === 1 && keys.length === 1 && lease < Infinity;
}
