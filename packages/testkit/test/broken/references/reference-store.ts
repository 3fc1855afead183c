import {
  CHECK_INTERVAL,
  type Claim,
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

export interface Grant {
  readonly id: string;
  readonly keys: Set<string>;
  readonly claim: Claim;
  readonly token: bigint;
  end: number;
  /** What its owner held before, to be restored when the claim is withdrawn. */
  before: readonly Grant[];
}

export interface Place {
  readonly claim: Claim;
  readonly ticket: number;
}

/** A correct store, short and slow, each rule of which is a method, so that a broken one can break it alone. */
export class ReferenceStore implements LockStore {
  readonly capabilities: ProviderCapabilities = {
    scope: "process",
    fencing: true,
    limits: true,
    fifo: true,
    push: true,
    inspect: true,
    transactions: false,
    crashRelease: "lease",
  };
  readonly grants: Map<string, Grant> = new Map();
  queue: Place[] = [];
  readonly tombstones: Set<string> = new Set();
  token = 0n;
  ticket = 0;
  events: StoreEvents | undefined;

  connect({ events }: StoreContext): void {
    this.events = events;
  }

  take(claims: readonly Claim[]): TakeReply[] {
    return claims.map((claim) => this.takeOne(claim));
  }

  renew(renewals: readonly Renewal[]): RenewReply[] {
    return renewals.map((renewal) => this.renewOne(renewal));
  }

  release(releases: readonly Release[]): ReleaseReply[] {
    const freed = releases.map((release) => this.releaseOne(release));
    this.advance();
    return freed.map((one) => ({ status: "released", freed: one }));
  }

  releaseAll(ownerId: string | null): void {
    const freed = [...this.grants.values()].filter((grant) => this.isFreedByAll(grant, ownerId));
    for (const grant of freed) this.grants.delete(grant.id);
    this.events?.lost(freed.map((grant) => grant.id));
    this.advance();
  }

  inspect(keys: readonly string[]): KeyState[] {
    this.expire();
    return keys.map((key) => ({
      key,
      holders: this.holders(key).map(({ claim, token, end }) => ({
        ownerId: claim.ownerId,
        fencingToken: token,
        limit: claim.limit,
        remaining: end - this.now(),
      })),
      waiting: this.queue.filter(({ claim }) => this.lacks(claim, key)).length,
    }));
  }

  now(): number {
    return performance.now();
  }

  takeOne(claim: Claim): TakeReply {
    this.expire();
    if (this.tombstones.has(claim.id)) return { status: "withdrawn" };
    const own = this.grants.get(claim.id);
    if (own !== undefined) return this.granted(own);
    const place = this.queue.find((one) => one.claim.id === claim.id);
    if (this.mayTake(claim, place?.ticket ?? Infinity)) {
      this.leave(claim.id);
      const reply = this.granted(this.grant(claim));
      this.advance();
      return reply;
    }
    const freeIn = this.endsIn();
    if (!claim.wait) return { status: "busy", ownerId: null, freeIn };
    if (place !== undefined) return { status: "queued", ticket: place.ticket, checkIn: freeIn };
    return { status: "queued", ticket: this.enqueue(claim), checkIn: freeIn };
  }

  renewOne({ grantId, keys, lease }: Renewal): RenewReply {
    this.expire();
    const grant = this.grants.get(grantId);
    if (grant === undefined || !keys.every((key) => grant.keys.has(key))) return { status: "lost" };
    grant.end = this.now() + lease;
    this.tellOfEnd(lease);
    return { status: "renewed", remaining: lease };
  }

  releaseOne(release: Release): boolean {
    this.expire();
    switch (release.by) {
      case "grant":
        if (release.tombstone) this.tombstones.add(release.grantId);
        return this.freeGrant(release.grantId, release.keys);
      case "claim":
        if (release.tombstone) this.tombstones.add(release.claimId);
        return this.withdraw(release.claimId);
      case "owner":
        return (
          release.keys.filter((key) => this.freeKey(key, release.ownerId)).length === release.keys.length
        );
    }
  }

  freeGrant(id: string, keys: readonly string[]): boolean {
    const grant = this.grants.get(id);
    this.grants.delete(id);
    this.forget(id);
    return grant !== undefined && keys.every((key) => grant.keys.has(key));
  }

  /** It was released, and is not brought back should a later grant that took it over be withdrawn. */
  forget(id: string): void {
    for (const later of this.grants.values()) later.before = later.before.filter((one) => one.id !== id);
  }

  withdraw(id: string): boolean {
    const grant = this.grants.get(id);
    this.grants.delete(id);
    for (const one of grant?.before ?? []) this.restore(one, grant!);
    return this.leave(id) || grant !== undefined;
  }

  /** Gives back what the withdrawn grant took over of an earlier one, unless its owner has let go of it since. */
  restore(one: Grant, withdrawn: Grant): void {
    const back = [...one.keys].filter((key) => withdrawn.keys.has(key));
    const rest = this.grants.get(one.id)?.keys ?? [];
    if (back.length > 0) this.grants.set(one.id, { ...one, keys: new Set([...rest, ...back]) });
  }

  freeKey(key: string, ownerId: string | null): boolean {
    const freed = this.holders(key).filter((grant) => this.isOwners(grant, ownerId));
    for (const grant of freed) this.drop(grant, key);
    return freed.length > 0;
  }

  isOwners({ claim }: Grant, ownerId: string | null): boolean {
    return claim.kind === "acquire" && claim.ownerId === ownerId;
  }

  isFreedByAll(grant: Grant, ownerId: string | null): boolean {
    return ownerId === null || grant.claim.ownerId === ownerId;
  }

  expire(): void {
    const ended = [...this.grants.values()].filter((grant) => grant.end <= this.now());
    for (const grant of ended) this.grants.delete(grant.id);
    if (ended.length > 0) this.advance();
  }

  holders(key: string): Grant[] {
    return [...this.grants.values()].filter((grant) => grant.keys.has(key));
  }

  /** The grants under which the claim's owner holds any of its keys already. */
  had({ kind, ownerId, limit, keys }: Claim): Grant[] {
    if (kind === "execute" || ownerId === null) return [];
    return [...this.grants.values()].filter(
      ({ claim, keys: held }) =>
        claim.kind === "acquire" &&
        claim.ownerId === ownerId &&
        claim.limit === limit &&
        keys.some((key) => held.has(key)),
    );
  }

  lacks(claim: Claim, key: string): boolean {
    return claim.keys.includes(key) && !this.had(claim).some((grant) => grant.keys.has(key));
  }

  mayTake(claim: Claim, ticket: number): boolean {
    const lacking = claim.keys.filter((key) => this.lacks(claim, key));
    return lacking.every((key) => this.fits(claim, key) && !this.isPassing(claim, key, ticket));
  }

  fits({ limit }: Claim, key: string): boolean {
    const holders = this.holders(key);
    return (
      holders.length === 0 || (holders.every((one) => one.claim.limit === limit) && holders.length < limit)
    );
  }

  isPassing(_claim: Claim, key: string, ticket: number): boolean {
    return this.queue.some((earlier) => earlier.ticket < ticket && this.lacks(earlier.claim, key));
  }

  grant(claim: Claim): Grant {
    const had = this.had(claim);
    const end = this.now() + claim.lease;
    const [one] = had;
    if (one !== undefined && had.length === 1 && claim.keys.every((key) => one.keys.has(key))) {
      if (!claim.keepLease) {
        one.end = end;
        this.tellOfEnd(claim.lease);
      }
      return one;
    }
    const before = had.map((grant) => ({ ...grant, keys: new Set(grant.keys) }));
    for (const grant of had) for (const key of claim.keys) this.drop(grant, key);
    const made: Grant = {
      id: claim.id,
      keys: new Set(claim.keys),
      claim,
      token: this.nextToken(),
      end,
      before,
    };
    this.grants.set(made.id, made);
    this.tellOfEnd(claim.lease);
    return made;
  }

  /** Who waits was told of a later end, and would look too late. */
  tellOfEnd(lease: number, waiting: readonly Place[] = this.queue): void {
    const ids = waiting.map((place) => place.claim.id);
    if (lease < CHECK_INTERVAL) queueMicrotask(() => this.events?.wake(ids));
  }

  nextToken(): bigint {
    return ++this.token;
  }

  enqueue(claim: Claim): number {
    this.queue.push({ claim, ticket: ++this.ticket });
    return this.ticket;
  }

  leave(id: string): boolean {
    const before = this.queue.length;
    this.queue = this.queue.filter((place) => place.claim.id !== id);
    return this.queue.length < before;
  }

  /** Hands over to whoever's turn has come. */
  advance(): void {
    for (const { claim, ticket } of [...this.queue].sort((one, other) => one.ticket - other.ticket)) {
      if (!this.mayTake(claim, ticket)) continue;
      // What its owner holds all of stands under another claim's grant: it learns of that by asking.
      if (claim.keys.every((key) => !this.lacks(claim, key))) {
        this.events?.wake([claim.id]);
        continue;
      }
      this.leave(claim.id);
      this.handTo({ claim, ticket });
    }
  }

  handTo({ claim, ticket }: Place): void {
    const { token, end } = this.grant(claim);
    const remaining = end - this.now();
    this.events?.granted({ claimId: claim.id, ticket, token, remaining, provisional: false });
  }

  granted({ id, token, end }: Grant): TakeReply {
    return { status: "granted", grantId: id, token, remaining: end - this.now() };
  }

  drop(grant: Grant, key: string): void {
    grant.keys.delete(key);
    if (grant.keys.size === 0) this.grants.delete(grant.id);
  }

  endsIn(): number {
    return Math.min(
      Infinity,
      ...[...this.grants.values()].map((grant) => Math.max(0, grant.end - this.now())),
    );
  }
}
