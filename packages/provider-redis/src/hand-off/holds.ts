import type {
  Claim,
  Handover,
  KeyState,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  TakeReply,
} from "@lock/core";
import type { StandReply } from "../operations/stand.ts";
import type { Callers } from "./callers.ts";
import { FREED, Hold, NOT_FREED, WORD_IS_OLD, WORD_LASTS } from "./hold.ts";
import type { HandOffHost } from "./host.ts";
import { Names } from "./names.ts";
import type { Queued, Spot } from "./spot.ts";
import { Spots } from "./spots.ts";
import { STRICT, type Terms } from "./terms.ts";

/** Milliseconds after which those of this process who wait at the server are asked for again, where others wait there too. */
const RECALL_PAUSE = 100;

/** The keys that callers of this process hold and want, and how they pass from one to the next. */
export class Holds {
  readonly callers: Callers;
  readonly names: Names = new Names();
  readonly #host: HandOffHost;
  readonly #terms: Terms;
  readonly spots: Spots = new Spots();
  readonly #announced = new Map<string, Spot>();

  constructor(host: HandOffHost, terms: Terms, callers: Callers) {
    this.#host = host;
    this.#terms = terms;
    this.callers = callers;
  }

  /** Where a hold knows of a claim, or takes it in, what to say to it. */
  answer(spot: Spot, claim: Claim, now: number): TakeReply | Promise<TakeReply> | null {
    const { hold } = spot;
    if (hold === null) return null;
    if (hold.holder === claim.id) {
      const remaining = hold.deadline - now;
      if (remaining > 0) return { status: "granted", grantId: claim.id, token: hold.token, remaining };
      this.#lose(spot, hold);
      return null;
    }
    const local = hold.locals.get(claim.id);
    if (local === undefined) {
      if (!claim.wait || spot.queued.size > 0 || hold.over || hold.sealed) return null;
      if (!hold.hasWord) {
        this.#askForWord(spot, hold);
        return spot.follow(claim);
      }
      if (!hold.joins(claim, now, this.#terms)) return null;
      hold.join(claim);
    }
    if (now - hold.wordAt > WORD_IS_OLD) this.#askForWord(spot, hold);
    return { status: "queued", ticket: local?.ticket ?? hold.ticket, checkIn: Infinity };
  }

  /** The server says that a claim waits there. Where it waits or holds here, that is over, or old news. @returns what to say to it. */
  atHome(spot: Spot, claim: Claim, ticket: number): TakeReply | null {
    const { hold } = spot;
    const holds = hold?.holder === claim.id;
    if (hold === null || !(holds || hold.locals.has(claim.id))) return null;
    if (!holds || hold.grantId !== claim.id) this.#host.withdraw(claim);
    // It had to queue again: what it was granted is gone.
    else if (ticket > hold.place) this.#lose(spot, hold);
    return this.answer(spot, claim, performance.now()) as TakeReply | null;
  }

  /** The server granted it. */
  granted(spot: Spot, claim: Claim, token: number, deadline: number): void {
    const place = spot.queued.get(claim.id)?.ticket ?? 0;
    this.spots.displace(spot, claim.id);
    const before = spot.hold;
    if (before?.grantId === claim.id) return;
    if (before) this.#lose(spot, before);
    spot.hold = new Hold(claim, place, token, deadline, this.#host.standing);
    if (spot.followers !== null || this.#recalls(spot, spot.hold)) this.#askForWord(spot, spot.hold);
  }

  /** The server handed it over. */
  handedOver({ claimId, ticket, token, remaining }: Handover): void {
    const spot = this.spots.of(claimId);
    const place = spot?.queued.get(claimId);
    // At a place it does not stand at, it is no grant.
    if (spot && place?.ticket === ticket)
      this.granted(spot, place.claim, Number(token), place.since + remaining);
  }

  placed(spot: Spot, place: Queued): void {
    const { hold } = spot;
    this.spots.place(spot, place);
    if (hold !== null && this.#recalls(spot, hold)) this.#askForWord(spot, hold);
  }

  /** One that does not wait here is to wait for the key: who comes later waits behind it. */
  seal(key: string): void {
    const spot = this.spots.known(key);
    if (spot?.hold) spot.hold.sealed = true;
  }

  awaited(grantId: string): void {
    this.#announced.get(grantId)?.hold?.noticed(performance.now());
  }

  freed(newest: number): void {
    for (const spot of this.spots.all()) {
      const { hold } = spot;
      if (hold !== null && hold.ticket <= newest) this.#lose(spot, hold);
    }
  }

  giveAllUp(): void {
    for (const { hold } of this.spots.all()) {
      if (hold === null) continue;
      hold.over = true;
      this.#sendLocals(hold);
    }
  }

  renewing({ grantId, keys, lease }: Renewal, now: number): Hold | null {
    const hold = keys.length === 1 ? this.spots.known(keys[0] as string)?.hold : null;
    if (hold?.holder !== grantId) return null;
    if (lease !== hold.lease) {
      hold.over = true;
      hold.deadline = Math.min(hold.deadline, now + lease);
    }
    return hold;
  }

  renewed(key: string, hold: Hold, reply: RenewReply, sentAt: number): void {
    const spot = this.spots.known(key);
    if (spot?.hold !== hold) return;
    if (reply.status === "lost") this.#lose(spot, hold);
    else if (reply.status === "renewed") hold.deadline = sentAt + reply.remaining;
  }

  /** Its holder gives it back. @returns what came of it, or what to ask the server for. */
  passOn(spot: Spot, release: Release, now: number): Release | ReleaseReply | Promise<ReleaseReply> {
    const hold = spot.hold as Hold;
    const tombstone = "tombstone" in release && release.tombstone;
    if (hold.holder === hold.grantId) hold.tombstone = tombstone;
    const certain = now < hold.deadline && hold.standing === this.#host.standing;
    if (certain && this.#isWanted(spot, hold) && this.#handOn(spot, hold, now)) {
      // Whoever hears that it is free may ask for it from elsewhere; so where nobody here is sure to want it, it is told when it is.
      return hold.holder !== null || hold.locals.size > 0 ? FREED : hold.whenGone();
    }
    const { holder, grantId } = hold;
    this.#end(spot, hold);
    if (holder === grantId) return release;
    this.names.set(holder as string, { grantId, tombstone: hold.tombstone, until: now + hold.lease }, now);
    return this.names.apply(release, holder as string);
  }

  /** One that waited here does no longer. @returns what to ask the server for, should nobody have it or want it now. */
  leftBy(spot: Spot, hold: Hold): Release | null {
    if (hold.holder !== null || this.#isWanted(spot, hold)) return null;
    this.#end(spot, hold);
    return { by: "grant", grantId: hold.grantId, keys: [spot.key], tombstone: hold.tombstone };
  }

  amended(state: KeyState): KeyState {
    return this.spots.known(state.key)?.hold?.amended(state) ?? state;
  }

  /** It is known what became of what they waited to hear of: they join it, or ask too. */
  follow(spot: Spot): void {
    const followers = spot.takeFollowers();
    const from = followers.findIndex(({ claim, settle }) => {
      const joined = this.answer(spot, claim, performance.now());
      if (joined !== null) settle(joined);
      return joined === null;
    });
    if (from !== -1) this.callers.askFor(followers.slice(from));
  }

  #isWanted(spot: Spot, hold: Hold): boolean {
    return hold.locals.size > 0 || hold.recalling || (hold.asking && spot.followers !== null);
  }

  /** Gives it to the next, now or when there is word. @returns whether there is a next. */
  #handOn(spot: Spot, hold: Hold, now: number): boolean {
    const { listeningSince } = this.#host;
    if (listeningSince === null) return false;
    const next = hold.first(now, this.#terms);
    if (next === null && hold.hasWord && !hold.recalling) return false;
    hold.holder = null;
    const remaining = hold.deadline - now;
    const sure = now < hold.wordAt + WORD_LASTS && hold.wordAt >= listeningSince;
    if (next && sure && remaining > hold.lease / 4 && hold.give(next)) {
      const { claim, ticket } = next;
      const { token } = hold;
      hold.gone(FREED);
      this.callers.events?.granted({ claimId: claim.id, ticket, token, remaining, provisional: true });
      if (hold.runsOut || now - hold.wordAt > WORD_IS_OLD) this.#askForWord(spot, hold);
      return true;
    }
    this.#askForWord(spot, hold);
    return true;
  }

  /** Whether the first of this process who waits at the server might as well wait here. */
  #recalls({ queued, recallAt }: Spot, hold: Hold): boolean {
    if (queued.size === 0 || hold.over) return false;
    const first = queued.values().next().value;
    return first?.claim.lease === hold.lease && performance.now() >= recallAt;
  }

  /** Asks the server whether this process holds the key, who waits for it there, and for tokens. */
  #askForWord(spot: Spot, hold: Hold): void {
    if (hold.asking || hold.over) return;
    hold.asking = true;
    const sentAt = performance.now();
    const tokens = hold.wanted;
    const recalls = this.#recalls(spot, hold);
    const recall = recalls ? (this.#terms === STRICT ? "alone" : "always") : "never";
    hold.recalling = recalls;
    this.#announced.set(hold.grantId, spot);
    const { grantId, lease } = hold;
    this.#host.stand({ key: spot.key, grantId, lease, tokens, recall }).then(
      (reply) => {
        hold.asking = hold.recalling = false;
        this.#hasWord(spot, hold, reply, sentAt, tokens);
      },
      () => {
        hold.asking = hold.recalling = false;
        // They may have come home, or not.
        if (recalls) this.callers.events?.wake(spot.queued.keys());
        if (spot.hold !== hold) return;
        hold.over = true;
        if (hold.holder === null) this.#giveBack(spot, hold);
        else this.follow(spot);
      },
    );
  }

  #hasWord(spot: Spot, hold: Hold, reply: StandReply, sentAt: number, tokens: number): void {
    const recalled: Claim[] = [];
    if (reply.status === "held") {
      for (const { claimId, ticket } of reply.recalled) {
        const place = spot.queued.get(claimId);
        if (place === undefined) continue;
        // It was asked for again since, and stands there once more.
        if (place.ticket !== ticket) this.#host.withdraw(place.claim);
        this.spots.displace(spot, claimId);
        if (spot.hold === hold && !hold.over) hold.bringHome(place, reply.others > 0);
        else recalled.push(place.claim);
      }
      if (recalled.length > 0) this.callers.send(recalled);
    }
    if (spot.hold !== hold) return this.spots.tidy(spot);
    if (reply.status === "lost") return this.#lose(spot, hold);
    const now = performance.now();
    hold.wordAt = sentAt;
    if (!hold.over) hold.deadline = sentAt + hold.lease;
    hold.stock(reply.lastToken, tokens);
    if (reply.others > 0) {
      if (this.#terms === STRICT) spot.recallAt = now + RECALL_PAUSE;
      hold.noticed(now);
    }
    this.follow(spot);
    if (hold.holder === null && !this.#handOn(spot, hold, now)) this.#giveBack(spot, hold);
  }

  #lose(spot: Spot, hold: Hold): void {
    const { holder } = hold;
    this.#end(spot, hold);
    hold.gone(NOT_FREED);
    if (holder !== null) this.callers.events?.lost([holder]);
  }

  #giveBack(spot: Spot, hold: Hold): void {
    this.#end(spot, hold);
    const { grantId, tombstone, deadline } = hold;
    hold.gone(this.#host.giveBack(grantId, spot.key, tombstone, deadline));
  }

  /** Who waited for it here waits at the server before it is free. */
  #end(spot: Spot, hold: Hold): void {
    spot.hold = null;
    this.#sendLocals(hold);
    this.follow(spot);
    if (this.#announced.delete(hold.grantId)) this.#host.unannounce(spot.key);
    this.spots.tidy(spot);
  }

  #sendLocals(hold: Hold): void {
    if (hold.locals.size === 0) return;
    this.callers.send(hold.empty());
  }
}
