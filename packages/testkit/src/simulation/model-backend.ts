import {
  CHECK_INTERVAL,
  HANDOVER_LEASE,
  PLACE_LIFETIME,
  TOMBSTONE_LIFETIME,
  type Claim,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type TakeReply,
} from "@lock/core";
import type { Holding, Mailbox, ModelGrant } from "./model-grant.ts";
import { ModelLedger } from "./model-ledger.ts";
import { inTheWay, isHadWhole, lacks, ownHolding } from "./model-rules.ts";

/** The contract of a store in its plainest form: two lists, scanned. */
export class ModelBackend extends ModelLedger {
  /** All grants that ever were, by token. */
  readonly grants: Map<number, ModelGrant> = new Map();
  /** The longest that keys of an ended lease lay before they were handed to a claim that waited for them. */
  longestLag = 0;
  /** The longest that a claim waited whose owner held all its keys already. */
  longestWake = 0;
  /** Places whose claims were not asked for in time. */
  deadPlaces = 0;
  readonly #tombstones = new Map<string, number>();
  #tickets = 0;

  take(claim: Claim, mailbox: Mailbox): TakeReply {
    this.#tidy();
    const reply = this.#take(claim, mailbox);
    this.#settle();
    return reply;
  }

  renew({ grantId, keys, lease }: Renewal): RenewReply {
    this.#tidy();
    const held = keys.map((key) => this.holding(key, grantId));
    if (!held.every((each) => each !== undefined)) return { status: "lost" };
    for (const each of held) this.#restart(each, lease);
    this.#settle();
    return { status: "renewed", remaining: lease };
  }

  release(release: Release): ReleaseReply {
    this.#tidy();
    const freed = this.free(release);
    if (release.by !== "owner" && release.tombstone) {
      const id = release.by === "grant" ? release.grantId : release.claimId;
      this.#tombstones.set(id, this.now() + TOMBSTONE_LIFETIME);
    }
    this.#settle();
    return { status: "released", freed };
  }

  releaseAll(ownerId: string | null): void {
    this.#tidy();
    const freed = this.holdings.filter(({ grant }) => ownerId === null || grant.ownerId === ownerId);
    for (const each of freed) this.meddle(each);
    for (const grant of new Set(freed.map((each) => each.grant))) grant.mailbox.lost(grant.id);
    this.#settle();
  }

  /** Lets what has ended be gone. */
  #tidy(): void {
    const now = this.now();
    const ended = this.holdings.filter((each) => each.endsAt <= now);
    const places = this.places.length;
    this.holdings = this.holdings.filter((each) => each.endsAt > now);
    this.places = this.places.filter((each) => each.livesUntil > now);
    this.deadPlaces += places - this.places.length;
    if (this.#advance() && ended.length > 0) {
      this.longestLag = Math.max(this.longestLag, now - Math.max(...ended.map((each) => each.endsAt)));
    }
  }

  #take(claim: Claim, mailbox: Mailbox): TakeReply {
    const now = this.now();
    if ((this.#tombstones.get(claim.id) ?? -Infinity) > now) return { status: "withdrawn" };
    const given = this.#given(claim);
    if (given !== null) return given;
    let place = this.places.find((each) => each.claim.id === claim.id);
    if (place !== undefined) place.livesUntil = now + PLACE_LIFETIME;
    const obstacles = inTheWay(this, claim, place?.ticket ?? Infinity);
    if (obstacles.length === 0) {
      this.leave(claim.id);
      return isHadWhole(this, claim) ? this.#again(claim) : this.#grant(claim, mailbox, false);
    }
    const knowsOf = Math.min(...obstacles.map((each) => ("endsAt" in each ? each.endsAt : each.livesUntil)));
    if (!claim.wait) return { status: "busy", ownerId: null, freeIn: knowsOf - now };
    if (place === undefined) {
      const livesUntil = now + PLACE_LIFETIME;
      place = { claim, ticket: ++this.#tickets, mailbox, livesUntil, knowsOf, wokenAt: null };
      this.places.push(place);
    }
    place.knowsOf = knowsOf;
    return { status: "queued", ticket: place.ticket, checkIn: knowsOf - now };
  }

  /** What this very claim was given when it was asked for earlier, or handed since. */
  #given(claim: Claim): TakeReply | null {
    const held = claim.keys.map((key) =>
      this.holdings.find((each) => each.key === key && each.claims.has(claim.id)),
    );
    const grant = held[0]?.grant;
    if (grant === undefined || !held.every((each) => each?.grant === grant)) return null;
    for (const each of held)
      if (each!.provisional && grant.id === claim.id) this.#restart(each!, claim.lease);
    return this.#granted(held as Holding[]);
  }

  /** The owner holds it all already: the same grant, its expiry anew. */
  #again(claim: Claim): TakeReply {
    const held = claim.keys.map((key) => ownHolding(this, claim, key)!);
    for (const each of held) each.claims.add(claim.id);
    held[0]!.grant.joined = true;
    // What it was given before, and was superseded since, is not to come back: nobody stands for it any more.
    this.forgetBefore(({ claims }) => claims.delete(claim.id) && claims.size === 0);
    if (!claim.keepLease) for (const each of held) this.#restart(each, claim.lease);
    return this.#granted(held);
  }

  #grant(claim: Claim, mailbox: Mailbox, provisional: boolean): TakeReply & { status: "granted" } {
    const { id, kind, ownerId, limit } = claim;
    const now = this.now();
    const token = this.grants.size + 1;
    const whose = { kind, ownerId, limit, mailbox };
    // A claim that lost its first grant while it waited has a second one under the same id. A handle of its owner's that stands for the first
    // then reaches the second: they stay entangled, as calls of one owner are.
    const meddled = [...this.grants.values()].some((each) => each.id === id && each.joined);
    const grant: ModelGrant = { id, token, ...whose, since: now, meddled, joined: false };
    this.grants.set(token, grant);
    const lease = provisional ? Math.min(claim.lease, HANDOVER_LEASE) : claim.lease;
    const held = claim.keys.map((key) => {
      const own = ownHolding(this, claim, key) ?? null;
      if (own !== null) this.meddle(own);
      // What is left of an earlier grant of this very claim is none to come back.
      const before = own?.grant.id === id ? own.before : own;
      const claims = new Set([id]);
      const holding: Holding = { key, grant, claims, endsAt: now + lease, provisional, before };
      this.holdings.push(holding);
      return holding;
    });
    return this.#granted(held);
  }

  #granted(held: readonly Holding[]): TakeReply & { status: "granted" } {
    const { id: grantId, token } = held[0]!.grant;
    const remaining = Math.min(...held.map((each) => each.endsAt)) - this.now();
    return { status: "granted", grantId, token, remaining };
  }

  #restart(holding: Holding, lease: number): void {
    const endsAt = this.now() + lease;
    if (endsAt < holding.endsAt && holding.claims.size > 1) holding.grant.meddled = true;
    holding.endsAt = endsAt;
    holding.provisional = false;
  }

  /** Hands over to whoever's turn has come. */
  #advance(): boolean {
    for (const { claim, ticket, mailbox } of this.places) {
      if (inTheWay(this, claim, ticket).length > 0 || isHadWhole(this, claim)) continue;
      this.leave(claim.id);
      const { token, remaining } = this.#grant(claim, mailbox, true);
      mailbox.granted({ claimId: claim.id, ticket, token, remaining, provisional: true });
      this.#advance();
      return true;
    }
    return false;
  }

  /** Hands over, and wakes those who have a reason to ask that they can't know of. */
  #settle(): void {
    this.#advance();
    const now = this.now();
    for (const place of this.places) {
      // Granted in place when it asks: only an answer can say under which grant.
      const again = isHadWhole(this, place.claim);
      if (again && place.wokenAt === null) place.mailbox.wake(place.claim.id);
      if (place.wokenAt !== null) this.longestWake = Math.max(this.longestWake, now - place.wokenAt);
      place.wokenAt = again ? (place.wokenAt ?? now) : null;
    }
    // A lease that ends before the first in line looks for itself, and sooner than it was told.
    for (const { key, endsAt } of this.holdings) {
      const first = this.places.find((each) => lacks(this, each.claim, key));
      if (first === undefined || endsAt - now >= CHECK_INTERVAL || endsAt >= first.knowsOf) continue;
      first.knowsOf = endsAt;
      first.mailbox.wake(first.claim.id);
    }
  }
}
