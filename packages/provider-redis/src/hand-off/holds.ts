import type {
  Claim,
  Handover,
  KeyState,
  Release,
  Renewal,
  RenewReply,
  StoreEvents,
  TakeReply,
} from "@lock/core";
import type { Stand, StandReply } from "../operations/stand.ts";
import { Hold, WORD_IS_OLD, WORD_LASTS } from "./hold.ts";
import { Names } from "./names.ts";
import { type Follower, type Queued, Spot } from "./spot.ts";
import { STRICT, type Terms } from "./terms.ts";

/** Milliseconds after which those of this process who wait at the server are asked for again, where others wait there too. */
const RECALL_PAUSE = 100;

/** What holds need of the server. */
export interface HoldsHost {
  /** What the connection is now; another may lead to another server. */
  readonly standing: number;
  /** Since when, by the monotonic clock, it is heard who queues at the server; `null`: it is not. */
  readonly listeningSince: number | null;
  stand(request: Omit<Stand, "channel">): Promise<StandReply>;
  /** A claim that stands in the queue without need leaves it. */
  withdraw(claim: Claim): void;
  /** Who queues need not tell any more. */
  unannounce(key: string): void;
  /** Frees a grant that no caller has any more. Resolves, whatever came of it. */
  giveBack(grantId: string, key: string, tombstone: boolean, until: number): Promise<void>;
}

/** The keys that callers of this process hold and want, and how they pass from one to the next. */
export class Holds {
  events: StoreEvents | null = null;
  readonly names: Names = new Names();
  readonly #host: HoldsHost;
  readonly #terms: Terms;
  readonly #ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>;
  readonly #spots = new Map<string, Spot>();
  // Where the claims are that wait at the server.
  readonly #places = new Map<string, Spot>();
  readonly #announced = new Map<string, Spot>();
  // Claims that are asked for without their callers' doing.
  readonly #underWay = new Set<string>();
  #closed = false;

  constructor(
    host: HoldsHost,
    terms: Terms,
    ask: (claims: readonly Claim[]) => Promise<readonly TakeReply[]>,
  ) {
    this.#host = host;
    this.#terms = terms;
    this.#ask = ask;
  }

  close(): void {
    this.#closed = true;
  }

  known(key: string): Spot | undefined {
    return this.#spots.get(key);
  }

  spot(key: string): Spot {
    let spot = this.#spots.get(key);
    if (spot === undefined) {
      spot = new Spot(key);
      this.#spots.set(key, spot);
    }
    return spot;
  }

  tidy(spot: Spot): void {
    if (spot.empty) this.#spots.delete(spot.key);
  }

  isUnderWay(claimId: string): boolean {
    return this.#underWay.has(claimId);
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

  /** Where a claim waits or holds here, its place at the server goes. @returns what to say to it. */
  atHome(spot: Spot, claim: Claim): TakeReply | null {
    const { hold } = spot;
    if (hold?.holder !== claim.id && !hold?.locals.has(claim.id)) return null;
    this.#host.withdraw(claim);
    return this.answer(spot, claim, performance.now()) as TakeReply | null;
  }

  /** The server granted it. */
  granted(spot: Spot, claim: Claim, token: number, deadline: number): void {
    this.displaced(spot, claim.id);
    const before = spot.hold;
    if (before?.grantId === claim.id) return;
    if (before) this.#lose(spot, before);
    spot.hold = new Hold(claim, token, deadline, this.#host.standing);
    const recalls = spot.queued.size > 0 && performance.now() >= spot.recallAt;
    if (spot.followers !== null || recalls) this.#askForWord(spot, spot.hold);
  }

  /** The server handed it over. */
  handedOver({ claimId, ticket, token, remaining }: Handover): void {
    const spot = this.#places.get(claimId);
    const place = spot?.queued.get(claimId);
    // At a place it does not stand at, it is no grant.
    if (spot && place?.ticket === ticket)
      this.granted(spot, place.claim, Number(token), place.since + remaining);
  }

  placed(spot: Spot, place: Queued): void {
    const { hold } = spot;
    spot.queued.set(place.claim.id, place);
    this.#places.set(place.claim.id, spot);
    if (hold !== null && performance.now() >= spot.recallAt) this.#askForWord(spot, hold);
  }

  displaced(spot: Spot, claimId: string): void {
    if (spot.queued.delete(claimId)) this.#places.delete(claimId);
  }

  /** One that does not wait here is to wait for the key: who comes later waits behind it. */
  seal(key: string): void {
    const spot = this.#spots.get(key);
    if (spot?.hold) spot.hold.sealed = true;
  }

  awaited(grantId: string): void {
    this.#announced.get(grantId)?.hold?.noticed(performance.now());
  }

  freed(newest: number): void {
    for (const spot of this.#spots.values()) {
      const { hold } = spot;
      if (hold !== null && hold.ticket <= newest) this.#lose(spot, hold);
    }
  }

  giveAllUp(): void {
    for (const { hold } of this.#spots.values()) {
      if (hold === null) continue;
      hold.over = true;
      this.#sendLocals(hold);
    }
  }

  renewing({ grantId, keys, lease }: Renewal, now: number): Hold | null {
    const hold = keys.length === 1 ? this.#spots.get(keys[0] as string)?.hold : null;
    if (hold?.holder !== grantId) return null;
    if (lease !== hold.lease) {
      hold.over = true;
      hold.deadline = Math.min(hold.deadline, now + lease);
    }
    return hold;
  }

  renewed(key: string, hold: Hold, reply: RenewReply, sentAt: number): void {
    const spot = this.#spots.get(key);
    if (spot?.hold !== hold) return;
    if (reply.status === "lost") this.#lose(spot, hold);
    else if (reply.status === "renewed") hold.deadline = sentAt + reply.remaining;
  }

  /** Its holder gives it back. @returns what to ask the server for; `null`: nothing. */
  passOn(spot: Spot, release: Release, now: number): Release | null {
    const hold = spot.hold as Hold;
    const tombstone = "tombstone" in release && release.tombstone;
    if (hold.holder === hold.grantId) hold.tombstone = tombstone;
    const certain = now < hold.deadline && hold.standing === this.#host.standing;
    if (certain && this.#isWanted(spot, hold) && this.#handOn(spot, hold, now)) return null;
    const { holder, grantId } = hold;
    this.#end(spot, hold);
    if (holder === grantId) return release;
    this.names.set(holder as string, { grantId, tombstone: hold.tombstone, until: now + hold.lease }, now);
    return this.names.apply(release, holder as string);
  }

  /** One that waited here does no longer. Should nobody have it or want it now, it is free when that is over. @returns as `passOn` does. */
  leftBy(spot: Spot, hold: Hold): Release | null {
    if (hold.holder !== null || this.#isWanted(spot, hold)) return null;
    this.#end(spot, hold);
    return { by: "grant", grantId: hold.grantId, keys: [spot.key], tombstone: hold.tombstone };
  }

  /** Its release was answered: nothing is left of the claim. */
  forget(id: string): void {
    this.names.delete(id);
    const spot = this.#places.get(id);
    if (spot === undefined) return;
    this.displaced(spot, id);
    this.tidy(spot);
  }

  amended(state: KeyState): KeyState {
    return this.#spots.get(state.key)?.hold?.amended(state) ?? state;
  }

  /** It is known what became of what they waited to hear of: they join it, or ask too. */
  follow(spot: Spot): void {
    const asking: Follower[] = [];
    for (const follower of spot.takeFollowers()) {
      const joined = asking.length === 0 ? this.answer(spot, follower.claim, performance.now()) : null;
      if (joined === null) asking.push(follower);
      else follower.settle(joined);
    }
    if (asking.length === 0) return;
    this.#ask(asking.map(({ claim }) => claim)).then(
      (replies) => {
        for (const [n, { settle }] of asking.entries()) settle(replies[n] as TakeReply);
      },
      (error: unknown) => {
        for (const { settle } of asking) settle({ status: "failed", error });
      },
    );
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
      this.events?.granted({ claimId: claim.id, ticket, token, remaining, provisional: true });
      if (hold.runsOut || now - hold.wordAt > WORD_IS_OLD) this.#askForWord(spot, hold);
      return true;
    }
    this.#askForWord(spot, hold);
    return true;
  }

  /** Asks the server whether this process holds the key, who waits for it there, and for tokens. */
  #askForWord(spot: Spot, hold: Hold): void {
    if (hold.asking || hold.over) return;
    hold.asking = true;
    const sentAt = performance.now();
    const tokens = hold.wanted;
    const recalls = spot.queued.size > 0 && sentAt >= spot.recallAt;
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
        if (recalls) this.events?.wake(spot.queued.keys());
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
        this.displaced(spot, claimId);
        if (spot.hold === hold && !hold.over) hold.bringHome(place, reply.others > 0);
        else recalled.push(place.claim);
      }
      if (recalled.length > 0) this.#send(recalled);
    }
    if (spot.hold !== hold) return this.tidy(spot);
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
    if (holder !== null) this.events?.lost([holder]);
  }

  #giveBack(spot: Spot, hold: Hold): void {
    this.#end(spot, hold);
    void this.#host.giveBack(hold.grantId, spot.key, hold.tombstone, hold.deadline);
  }

  /** Who waited for it here waits at the server before it is free. */
  #end(spot: Spot, hold: Hold): void {
    spot.hold = null;
    this.#sendLocals(hold);
    this.follow(spot);
    if (this.#announced.delete(hold.grantId)) this.#host.unannounce(spot.key);
    this.tidy(spot);
  }

  #sendLocals(hold: Hold): void {
    if (hold.locals.size === 0) return;
    const claims = [...hold.locals.values()].map(({ claim }) => claim);
    hold.locals.clear();
    this.#send(claims);
  }

  /** Asks for claims whose callers believe that they wait here; they hear of it, and ask for themselves. */
  #send(claims: readonly Claim[]): void {
    if (this.#closed) return;
    const ids = claims.map(({ id }) => id);
    for (const id of ids) this.#underWay.add(id);
    void this.#ask(claims)
      .catch(() => {})
      .then(() => {
        for (const id of ids) this.#underWay.delete(id);
        this.events?.wake(ids);
      });
  }
}
