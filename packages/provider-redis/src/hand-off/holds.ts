import {
  type Claim,
  type Handover,
  type KeyState,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type TakeReply,
  TOMBSTONE_LIFETIME,
} from "@lock/core";
import type { Callers } from "./callers.ts";
import type { NotedRelease } from "../operations/release.ts";
import { FREED, Hold, WORD_IS_OLD } from "./hold.ts";
import type { HandOffHost } from "./host.ts";
import { Names } from "./names.ts";
import { Passing } from "./passing.ts";
import type { Queued, Spot } from "./spot.ts";
import { Spots } from "./spots.ts";
import type { Terms } from "./terms.ts";

type ReleaseById = Exclude<Release, { readonly by: "owner" }>;

/** The keys that callers of this process hold and want, and how they pass from one to the next. */
export class Holds {
  readonly callers: Callers;
  readonly names: Names = new Names();
  readonly spots: Spots = new Spots();
  readonly #host: HandOffHost;
  readonly passing: Passing;

  constructor(host: HandOffHost, terms: Terms, callers: Callers) {
    this.#host = host;
    this.callers = callers;
    this.passing = new Passing(host, terms, callers, this.spots);
  }

  /** Where a hold knows of a claim, or takes it in, what to say to it. */
  answer(spot: Spot, claim: Claim, now: number): TakeReply | Promise<TakeReply> | null {
    const { hold } = spot;
    if (hold === null) return null;
    if (hold.holder === claim.id) {
      const remaining = hold.deadline - now;
      hold.toldUntil = hold.deadline;
      if (remaining > 0) return { status: "granted", grantId: claim.id, token: hold.token, remaining };
      this.#loseAndGoOn(spot, hold);
      return null;
    }
    const local = hold.locals.get(claim.id);
    if (now - hold.wordAt > WORD_IS_OLD) this.passing.askForWord(spot, hold);
    if (local !== undefined) return { status: "queued", ticket: local.ticket, checkIn: Infinity };
    if (!claim.wait || spot.queued.size > 0 || hold.over || hold.sealed) return null;
    if (hold.hasWord) this.passing.followSoon(spot);
    return spot.follow(claim);
  }

  /** The server says that a claim waits there. Where it waits or holds here, that is over, or old news. @returns what to say to it. */
  atHome(spot: Spot, claim: Claim, ticket: number): TakeReply | null {
    const { hold } = spot;
    const holds = hold?.holder === claim.id;
    if (hold === null || !(holds || hold.locals.has(claim.id))) return null;
    if (!holds || hold.grantId !== claim.id) this.#host.withdraw(claim);
    // It had to queue again: what it was granted is gone.
    else if (ticket > hold.place) this.#loseAndGoOn(spot, hold);
    return this.answer(spot, claim, performance.now()) as TakeReply | null;
  }

  /** The server granted it. `fresh`: at once, when it was asked for the first time. */
  granted(spot: Spot, claim: Claim, token: number, deadline: number, fresh: boolean): void {
    const place = spot.queued.get(claim.id)?.ticket ?? 0;
    this.spots.displace(spot, claim.id);
    const before = spot.hold;
    if (before?.grantId === claim.id) {
      if (before.holder === claim.id) before.toldUntil = Math.max(before.toldUntil, deadline);
      return;
    }
    // Old news: it was gone before this one was granted.
    if (before && token < before.ticket) return;
    if (before) this.#loseAndGoOn(spot, before);
    // It was heard of too late: its caller asks again, or has given up.
    if (deadline <= performance.now()) return;
    const hold = new Hold(claim, place, token, deadline, this.#host.standing);
    spot.hold = hold;
    this.passing.tellHolder(spot, hold);
    // It was free and nobody waited, so those who followed it meanwhile come before anybody who does now: they need no word to know.
    if (fresh) {
      const followers = spot.takeFollowers();
      const from = followers.findIndex(({ claim: next, behind, settle }) => {
        hold.sealed = behind || next.lease !== hold.lease;
        if (!hold.sealed) settle(hold.join(next));
        return hold.sealed;
      });
      if (from !== -1) this.callers.askFor(followers.slice(from));
      hold.sealed ||= spot.sealed;
    }
    if (hold.locals.size > 0 || spot.followers !== null || this.passing.recalls(spot, hold))
      this.passing.askForWord(spot, hold);
  }

  /** It is lost, and there is more to be known of the key. */
  #loseAndGoOn(spot: Spot, hold: Hold): void {
    this.passing.lose(spot, hold);
    this.spots.keep(spot);
  }

  /** The server handed it over. */
  handedOver({ claimId, ticket, token, remaining }: Handover): void {
    const spot = this.spots.of(claimId);
    const place = spot?.queued.get(claimId);
    // At a place it does not stand at, it is no grant.
    if (!spot || place?.ticket !== ticket) return;
    this.granted(spot, place.claim, Number(token), place.since + remaining, false);
    this.spots.tidy(spot);
  }

  placed(spot: Spot, place: Queued): void {
    const { hold } = spot;
    this.spots.place(spot, place);
    if (hold !== null && this.passing.recalls(spot, hold)) this.passing.askForWord(spot, hold);
  }

  /** One that does not wait here is to wait for the key: who comes later waits behind it. */
  seal(key: string): void {
    const spot = this.spots.known(key);
    if (spot?.hold) spot.hold.sealed = true;
    else if (spot?.asking) spot.sealed = true;
  }

  awaited(grantId: string): void {
    this.passing.announced(grantId)?.hold?.noticed(performance.now());
  }

  freed(newest: number): void {
    for (const spot of this.spots.all()) {
      const { hold } = spot;
      if (hold !== null && hold.ticket <= newest) this.passing.lose(spot, hold);
    }
  }

  giveAllUp(): void {
    for (const { hold } of this.spots.all()) {
      if (hold === null) continue;
      hold.over = true;
      this.passing.sendLocals(hold);
    }
  }

  renewing({ grantId, keys, lease }: Renewal, now: number): Hold | null {
    const hold = keys.length === 1 ? this.spots.known(keys[0] as string)?.hold : null;
    if (hold?.holder !== grantId) return null;
    if (lease !== hold.lease) {
      hold.over = true;
      hold.strayWord ||= hold.asking;
      hold.deadline = Math.min(hold.deadline, now + lease);
    }
    return hold;
  }

  /** @returns what to say of it. */
  renewed(key: string, hold: Hold, reply: RenewReply, sentAt: number): RenewReply {
    const spot = this.spots.known(key);
    if (reply.status === "lost" && spot?.hold === hold) this.passing.lose(spot, hold);
    if (reply.status !== "renewed") return reply;
    const remaining = hold.strayWord ? Math.min(reply.remaining, hold.lease) : reply.remaining;
    if (spot?.hold === hold) hold.toldUntil = hold.deadline = sentAt + remaining;
    return hold.strayWord ? { ...reply, remaining } : reply;
  }

  /** Its holder gives it back. @returns what came of it, or what to ask the server for. */
  passOn(spot: Spot, release: ReleaseById, now: number): NotedRelease | ReleaseReply | Promise<ReleaseReply> {
    const hold = spot.hold as Hold;
    const tombstone = release.tombstone || this.callers.isUnderWay(hold.holder as string);
    if (hold.holder === hold.grantId) hold.tombstone = tombstone;
    // A request of it may have given it a place at the server, or do so yet, and the release names another there.
    else if (tombstone) {
      const stray = { grantId: hold.holder as string, key: spot.key, tombstone: true, noted: false };
      void this.#host.giveBack({ ...stray, until: now + TOMBSTONE_LIFETIME });
    }
    const certain = now < hold.deadline && hold.standing === this.#host.standing;
    if (certain && this.passing.isWanted(spot, hold) && this.passing.handOn(spot, hold, now)) {
      // Where there is to be word first, it may be that it was gone already, or that nobody here gets it: then it is told so, or when it is free.
      return hold.holder === null ? hold.whenGone() : FREED;
    }
    const { holder, grantId } = hold;
    const noted = this.passing.end(spot, hold);
    if (holder === grantId) return { by: "grant", grantId, keys: release.keys, tombstone, noted };
    const name = { grantId, tombstone: hold.tombstone, noted, until: now + hold.lease };
    this.names.set(holder as string, name, now);
    return this.names.apply(release, holder as string);
  }

  /** One that waited here does no longer. @returns when it is free, should nobody have it or want it now. */
  leftBy(spot: Spot, hold: Hold): Promise<ReleaseReply> | null {
    if (hold.holder !== null || this.passing.isWanted(spot, hold)) return null;
    // Who gave it back last may wait to hear of that too.
    const gone = hold.whenGone();
    this.passing.giveBack(spot, hold);
    return gone;
  }

  /** What the server says of a key, with what it does not know. */
  inspected(state: KeyState): KeyState {
    const hold = this.spots.known(state.key)?.hold;
    if (!hold) return state;
    if (state.waiting > 0) hold.noticed(performance.now());
    return hold.amended(state);
  }
}
