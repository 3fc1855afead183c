import type { Claim } from "@lock/core";
import type { StandReply } from "../operations/stand.ts";
import type { Callers } from "./callers.ts";
import { FREED, type Hold, NOT_FREED, WORD_IS_OLD, WORD_LASTS } from "./hold.ts";
import type { HandOffHost } from "./host.ts";
import type { Spot } from "./spot.ts";
import type { Spots } from "./spots.ts";
import { STRICT, type Terms } from "./terms.ts";

/** Milliseconds after which those of this process who wait at the server are asked for again, where others wait there too. */
const RECALL_PAUSE = 100;

/** How a lock passes from one caller of this process to the next, and back to the server. */
export class Passing {
  readonly #host: HandOffHost;
  readonly #terms: Terms;
  readonly #callers: Callers;
  readonly #spots: Spots;
  readonly #announced = new Map<string, Spot>();

  constructor(host: HandOffHost, terms: Terms, callers: Callers, spots: Spots) {
    this.#host = host;
    this.#terms = terms;
    this.#callers = callers;
    this.#spots = spots;
  }

  /** Where it is to be heard that others wait for what was granted to this claim. */
  announced(grantId: string): Spot | undefined {
    return this.#announced.get(grantId);
  }

  /** It is known what became of what they waited to hear of: they join it, or ask too. */
  follow(spot: Spot): void {
    const { hold } = spot;
    const now = performance.now();
    const followers = spot.takeFollowers();
    const from = followers.findIndex(({ claim, settle }) => {
      if (hold === null || spot.queued.size > 0 || !hold.joins(claim, now, this.#terms)) {
        // Who comes later waits behind it.
        if (hold !== null && claim.lease !== hold.lease) hold.sealed = true;
        return true;
      }
      settle(hold.join(claim));
      return false;
    });
    if (from !== -1) this.#callers.askFor(followers.slice(from));
  }

  /** Who has it now may have asked again while the server had not answered, and follows another: it has what it waits for. */
  tellHolder(spot: Spot, hold: Hold): void {
    const follower = spot.followers?.get(hold.holder as string);
    if (follower === undefined) return;
    const grantId = follower.claim.id;
    spot.unfollow(grantId);
    const remaining = hold.deadline - performance.now();
    follower.settle({ status: "granted", grantId, token: hold.token, remaining });
  }

  /** They join once what the sockets have brought by now is read: it may be the news that others wait. */
  followSoon(spot: Spot): void {
    if (spot.readsFirst) return;
    spot.readsFirst = true;
    setImmediate(() => {
      spot.readsFirst = false;
      const { hold } = spot;
      if (spot.followers === null || hold?.asking) return;
      this.follow(spot);
      if (hold === null || spot.hold !== hold || hold.holder !== null) return;
      if (!this.handOn(spot, hold, performance.now())) this.giveBack(spot, hold);
    });
  }

  isWanted(spot: Spot, hold: Hold): boolean {
    if (hold.locals.size > 0 || hold.recalling) return true;
    return spot.followers !== null && (hold.asking || spot.readsFirst);
  }

  /** Gives it to the next, now or when there is word. @returns whether there is a next. */
  handOn(spot: Spot, hold: Hold, now: number): boolean {
    const { listeningSince } = this.#host;
    if (listeningSince === null) return false;
    const next = hold.first(now, this.#terms);
    if (next === null && (hold.locals.size > 0 || !this.isWanted(spot, hold))) return false;
    hold.holder = null;
    if (next === null) return true;
    const remaining = hold.deadline - now;
    const sure = now < hold.wordAt + WORD_LASTS && hold.wordAt >= listeningSince;
    if (sure && remaining > hold.lease / 4 && hold.give(next)) {
      const { claim, ticket } = next;
      const { token } = hold;
      this.tellHolder(spot, hold);
      hold.gone(FREED);
      this.#callers.events?.granted({ claimId: claim.id, ticket, token, remaining, provisional: true });
      if (hold.runsOut || now - hold.wordAt > WORD_IS_OLD) this.askForWord(spot, hold);
      return true;
    }
    this.askForWord(spot, hold);
    return true;
  }

  /** Whether the first of this process who waits at the server might as well wait here. */
  recalls({ queued, recallAt }: Spot, hold: Hold): boolean {
    if (queued.size === 0 || hold.over) return false;
    const first = queued.values().next().value;
    return first?.claim.lease === hold.lease && performance.now() >= recallAt;
  }

  /** Asks the server whether this process holds the key, who waits for it there, and for tokens. */
  askForWord(spot: Spot, hold: Hold): void {
    if (hold.asking || hold.over) return;
    const sentAt = performance.now();
    if (hold.holder !== null && sentAt >= hold.toldUntil) {
      // Its holder has lost it and not given it back: to ask would renew it, for as long as anybody waits.
      hold.over = true;
      this.sendLocals(hold);
      return this.follow(spot);
    }
    hold.asking = true;
    const tokens = hold.wanted;
    const recalls = this.recalls(spot, hold);
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
        if (recalls) this.#callers.events?.wake(spot.queued.keys());
        if (spot.hold !== hold) return;
        hold.over = hold.strayWord = true;
        if (hold.holder === null) this.giveBack(spot, hold);
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
        this.#spots.displace(spot, claimId);
        if (spot.hold === hold && !hold.over) hold.bringHome(place, reply.others > 0);
        else recalled.push(place.claim);
      }
      if (recalled.length > 0) this.#callers.send(recalled);
    }
    if (spot.hold !== hold) return this.#spots.tidy(spot);
    if (reply.status === "lost") return this.lose(spot, hold);
    const now = performance.now();
    hold.wordAt = sentAt;
    if (!hold.over) hold.deadline = sentAt + hold.lease;
    hold.stock(reply.lastToken, tokens);
    if (reply.others > 0) {
      if (this.#terms === STRICT) spot.recallAt = now + RECALL_PAUSE;
      hold.noticed(now);
    }
    this.follow(spot);
    if (hold.holder !== null) return;
    // Word that comes too late to hand it on by would come so again, and each keeps it for nobody.
    const inTime = hold.deadline - now > hold.lease / 4;
    if (!inTime || !this.handOn(spot, hold, now)) this.giveBack(spot, hold);
  }

  lose(spot: Spot, hold: Hold): void {
    const { holder } = hold;
    hold.deadline = -Infinity;
    this.end(spot, hold);
    hold.gone(NOT_FREED);
    if (holder !== null) this.#callers.events?.lost([holder]);
  }

  giveBack(spot: Spot, hold: Hold): void {
    const noted = this.end(spot, hold);
    const { grantId, tombstone, deadline } = hold;
    hold.gone(this.#host.giveBack({ grantId, key: spot.key, tombstone, noted, until: deadline }));
  }

  /** Who waited for it here waits at the server before it is free. @returns whether a note of it may stand there, which goes with the grant. */
  end(spot: Spot, hold: Hold): boolean {
    spot.hold = null;
    this.sendLocals(hold);
    this.follow(spot);
    this.#spots.tidy(spot);
    return this.#announced.delete(hold.grantId);
  }

  sendLocals(hold: Hold): void {
    if (hold.locals.size === 0) return;
    this.#callers.send(hold.empty());
  }
}
