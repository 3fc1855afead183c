import {
  CHECK_INTERVAL,
  type Claim,
  type Handover,
  type KeyState,
  type LockStore,
  type ProviderCapabilities,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type StoreContext,
  type StoreEvents,
  type TakeReply,
} from "@lock/core";
import { isEndless, isSimple } from "./endless.ts";
import { Holding, listHoldings, placesOf, type Place } from "./key-record.ts";
import { Ledger } from "./ledger.ts";
import { OwnersWaiting } from "./owners-waiting.ts";
import { countLacking, firstLacking, inTheWay, isHadWhole, standing, type Standing } from "./standing.ts";

type Granted = Extract<TakeReply, { status: "granted" }>;

/** The reference: every rule of a lock, in one process, each operation atomic because nothing else runs meanwhile. */
export class MemoryStore implements LockStore {
  readonly batch = 1;
  readonly capabilities: ProviderCapabilities = {
    scope: "process",
    fencing: true,
    limits: true,
    fifo: true,
    push: true,
    inspect: true,
    transactions: false,
    crashRelease: "never",
  };
  readonly #ledger = new Ledger((keys) => this.#passOn(keys));
  // By claim id, the first place of each.
  readonly #waiting = new Map<string, Place>();
  readonly #owners = new OwnersWaiting();
  #events: StoreEvents | null = null;
  #token = 0;
  #ticket = 0;

  connect({ events }: StoreContext): void {
    this.#events = events;
  }

  close(): void {
    this.#ledger.close();
  }

  take(claims: readonly Claim[]): TakeReply[] {
    return claims.length === 1 ? [this.#take(claims[0]!)] : claims.map((claim) => this.#take(claim));
  }

  renew(renewals: readonly Renewal[]): RenewReply[] {
    return renewals.map((renewal) => this.#renew(renewal));
  }

  release(releases: readonly Release[]): ReleaseReply[] {
    return releases.length === 1
      ? [this.#release(releases[0]!)]
      : releases.map((release) => this.#release(release));
  }

  releaseAll(ownerId: string | null): void {
    const holdings = ownerId === null ? this.#ledger.all() : this.#ledger.ofOwner(ownerId);
    for (const holding of holdings) this.#ledger.remove(holding);
    // Their jobs run still; nothing else would tell them, since no lease is renewed here.
    this.#events?.lost(new Set(holdings.map((holding) => holding.grantId)));
    this.#passOn(holdings.map((holding) => holding.key));
  }

  inspect(keys: readonly string[]): KeyState[] {
    const now = performance.now();
    return keys.map((key) => {
      const holder = this.#ledger.holder(key, now);
      const holders = listHoldings(holder).map(({ ownerId, token, limit, expiresAt }) => {
        return { ownerId, fencingToken: BigInt(token), limit, remaining: expiresAt - now };
      });
      return { key, holders, waiting: countLacking(this.#ledger.get(key)?.first ?? null, holder) };
    });
  }

  #take(claim: Claim): TakeReply {
    if (isSimple(claim) && this.#ledger.isUnknown(claim.keys[0]!)) return this.#takeUnknown(claim);
    const now = this.#ledger.timeFor(claim);
    // Spares the first look at an id, which costs more than all the rest, while nobody waits.
    const waiting = (this.#waiting.size > 0 && this.#waiting.get(claim.id)) || null;
    if (waiting === null) {
      const granted = this.#grantOf(claim, now);
      if (granted !== null) return granted;
    }
    const { expired } = this.#ledger;
    const stands = standing(this.#ledger, claim, waiting, now);
    const again = isHadWhole(stands) ? this.#grantAgain(claim, stands, now) : null;
    if (again !== null || stands.fits) {
      if (waiting !== null) this.#leave(waiting);
      const reply = again ?? grantedReply(this.#grant(claim, stands, now), now);
      if (waiting !== null) this.#passOn(claim.keys);
      return reply;
    }
    if (!claim.wait) {
      const { ownerId, freeAt } = inTheWay(this.#ledger, stands, now);
      return { status: "busy", ownerId, freeIn: freeAt - now };
    }
    const queued = waiting ?? this.#enqueue(claim);
    // It came upon a lease that has ended, which may be the turn of one who waited longer.
    if (this.#ledger.expired !== expired) this.#passOn(stands.lacking);
    queued.knowsOf = inTheWay(this.#ledger, stands, now).freeAt;
    return { status: "queued", ticket: queued.ticket, checkIn: queued.knowsOf - now };
  }

  /** What `#take` comes to for a key that nobody holds or waits for: there is nothing to look up, and no time to tell. */
  #takeUnknown(claim: Claim): Granted {
    const token = ++this.#token;
    this.#ledger.add(new Holding(claim.keys[0]!, claim, token, Infinity));
    return { status: "granted", grantId: claim.id, token, remaining: Infinity };
  }

  #renew({ grantId, keys, lease }: Renewal): RenewReply {
    const now = performance.now();
    const holdings: Holding[] = [];
    for (const key of keys) {
      const holding = this.#ledger.find(key, grantId, now);
      if (holding === undefined) return { status: "lost" };
      holdings.push(holding);
    }
    for (const holding of holdings) this.#expire(holding, now + lease, now);
    return { status: "renewed", remaining: lease };
  }

  #release(release: Release): ReleaseReply {
    if (release.by === "claim")
      return { status: "released", freed: this.#withdraw(release.claimId, release.keys) };
    const now = this.#ledger.now();
    let freed = true;
    for (const key of release.keys) {
      if (!this.#free(release, key, now)) freed = false;
    }
    this.#passOn(release.keys);
    return { status: "released", freed };
  }

  #free(release: Exclude<Release, { by: "claim" }>, key: string, now: number): boolean {
    if (release.by === "owner") {
      const held = listHoldings(this.#ledger.holder(key, now));
      const own = held.filter((holding) => holding.isOf(release.ownerId));
      for (const holding of own) this.#ledger.remove(holding);
      return own.length > 0;
    }
    const holding = this.#ledger.find(key, release.grantId, now);
    if (holding === undefined) this.#ledger.forgetBefore(key, release.grantId, now);
    else this.#ledger.remove(holding);
    return holding !== undefined;
  }

  #withdraw(claimId: string, keys: readonly string[]): boolean {
    const now = performance.now();
    const waiting = this.#waiting.get(claimId);
    if (waiting !== undefined) this.#leave(waiting);
    let freed = waiting !== undefined;
    for (const key of keys) {
      const holding = this.#ledger.find(key, claimId, now);
      if (holding === undefined) continue;
      freed = true;
      const { before } = holding;
      this.#ledger.remove(holding);
      if (before === null || before.expiresAt <= now) continue;
      this.#ledger.add(before);
      this.#wakeFirst(key, before.expiresAt, now);
    }
    this.#passOn(keys);
    return freed;
  }

  /** The grant of this very claim, which was asked for again. */
  #grantOf({ id, keys }: Claim, now: number): Granted | null {
    let first: Holding | null = null;
    for (const key of keys) {
      const holding = this.#ledger.find(key, id, now);
      if (holding === undefined) return null;
      if (first === null || holding.expiresAt < first.expiresAt) first = holding;
    }
    return first === null ? null : grantedReply(first, now);
  }

  /** Grants in place what one grant of the owner holds already. */
  #grantAgain(claim: Claim, { had }: Standing, now: number): Granted {
    const { grantId, token } = had[0]!;
    if (!claim.keepLease) for (const holding of had) this.#expire(holding, now + claim.lease, now);
    const remaining = Math.min(...had.map((holding) => holding.expiresAt)) - now;
    return { status: "granted", grantId, token, remaining };
  }

  #grant(claim: Claim, { had }: Standing, now: number): Holding {
    this.#token += 1;
    const expiresAt = isEndless(claim) ? Infinity : now + claim.lease;
    let holding!: Holding;
    for (const key of claim.keys) {
      const own = had.find((each) => each.key === key);
      if (own !== undefined) this.#ledger.remove(own);
      holding = new Holding(key, claim, this.#token, expiresAt);
      if (own !== undefined) {
        holding.before = own.grantId === claim.id ? own.before : own;
        // Only what was held just before may come back.
        own.before = null;
      }
      this.#ledger.add(holding);
      this.#wakeFirst(key, expiresAt, now);
    }
    // What its owner waits for besides is granted in place: it need not stand in line for that.
    if (claim.ownerId !== null) this.#wake(this.#owners.idsOf(claim.ownerId));
    return holding;
  }

  /** Stands in the queue of all its keys, also where its owner holds one: it may let go of that while it waits. */
  #enqueue(claim: Claim): Place {
    const waiting = placesOf(claim, ++this.#ticket);
    for (let place: Place | null = waiting; place !== null; place = place.sibling)
      this.#ledger.record(place.key).enqueue(place);
    this.#waiting.set(claim.id, waiting);
    this.#owners.add(waiting);
    return waiting;
  }

  #leave(waiting: Place): void {
    this.#waiting.delete(waiting.claim.id);
    this.#owners.remove(waiting);
    for (let place: Place | null = waiting; place !== null; place = place.sibling) {
      const record = this.#ledger.record(place.key);
      record.dequeue(place);
      this.#ledger.tidy(record);
    }
  }

  /** Hands these keys on to the first waiters that fit, and what those leave behind to the next. */
  #passOn(keys: readonly string[]): void {
    if (this.#waiting.size === 0) return;
    const handovers: Handover[] = [];
    const touched = [...keys];
    for (let key = touched.pop(); key !== undefined; key = touched.pop()) {
      let place = this.#ledger.get(key)?.first ?? null;
      for (; place !== null; place = place.next) {
        const waiting = place.head;
        const now = this.#ledger.timeFor(waiting.claim);
        const stands = standing(this.#ledger, waiting.claim, waiting, now);
        if (stands.fits) {
          this.#leave(waiting);
          handovers.push(this.#handOver(waiting, stands, now));
          touched.push(...waiting.claim.keys);
          break;
        }
        // Behind one whose owner has this key, so that it waits for others only, the next may be in turn.
        if (!stands.lacking.includes(key)) continue;
        // Only who was first before it may have been told of a lease that has come to end sooner.
        if (!this.#ledger.isLasting) this.#wakeFirst(key, inTheWay(this.#ledger, stands, now).freeAt, now);
        break;
      }
    }
    // Last, since whoever hears of it may call again at once.
    for (const handover of handovers) this.#events?.granted(handover);
  }

  #handOver({ claim, ticket }: Place, stands: Standing, now: number): Handover {
    // Another waiter of the same owner may have been granted these keys before it: then it is granted again in place.
    const again = isHadWhole(stands) ? this.#grantAgain(claim, stands, now) : null;
    const { grantId, token, remaining } = again ?? grantedReply(this.#grant(claim, stands, now), now);
    return { claimId: claim.id, ticket, grantId, token, remaining, provisional: false };
  }

  #expire(holding: Holding, expiresAt: number, now: number): void {
    if (expiresAt < holding.expiresAt) this.#wakeFirst(holding.key, expiresAt, now);
    this.#ledger.expire(holding, expiresAt);
  }

  /** A lease ends before the first who lacks the key would look for itself: it is told to look, once this operation is done. */
  #wakeFirst(key: string, expiresAt: number, now: number): void {
    if (expiresAt - now >= CHECK_INTERVAL) return;
    const queue = this.#ledger.get(key)?.first ?? null;
    const first = queue && firstLacking(queue, this.#ledger.holder(key, now));
    if (first === null || expiresAt >= first.head.knowsOf) return;
    first.head.knowsOf = expiresAt;
    this.#wake([first.claim.id]);
  }

  #wake(claimIds: readonly string[]): void {
    if (claimIds.length > 0) queueMicrotask(() => this.#events?.wake(claimIds));
  }
}

function grantedReply({ grantId, token, expiresAt }: Holding, now: number): Granted {
  return { status: "granted", grantId, token, remaining: expiresAt - now };
}
