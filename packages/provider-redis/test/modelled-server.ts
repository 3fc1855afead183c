import {
  CHECK_INTERVAL,
  type Claim,
  HANDOVER_LEASE,
  type KeyState,
  PLACE_LIFETIME,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type TakeReply,
  TOMBSTONE_LIFETIME,
} from "@lock/core";
import type { NotedRelease } from "../src/operations/release.ts";
import type { Stand, StandReply } from "../src/operations/stand.ts";

interface Holder {
  readonly id: string;
  readonly token: number;
  /** Handed over, and not confirmed. */
  handed: boolean;
  till: number;
}

interface Place {
  readonly claim: Claim;
  readonly ticket: number;
  readonly channel: string;
  until: number;
}

/** What one script has to tell, and of whom it knows that they ask at this moment. */
interface Script {
  readonly asking: ReadonlySet<string>;
  readonly lines: Map<string, string[]>;
  readonly given: { readonly place: Place; readonly channel: string; readonly left: number }[];
  readonly early: Set<string>;
}

/**
 * What the scripts do to locks that one holds and nobody owns, in memory: each method is one of them, carried out as a whole.
 * `publish` tells whether anybody listens there.
 */
export class ModelledServer {
  readonly #now: () => number;
  readonly #publish: (channel: string, text: string) => boolean;
  readonly #holders = new Map<string, Holder>();
  readonly #places = new Map<string, Place>();
  readonly #notes = new Map<
    string,
    { readonly id: string; readonly channel: string; readonly until: number }
  >();
  readonly #tombstones = new Map<string, number>();
  #counter = 0;
  /** All that was granted up to this token is free. */
  floor = 0;

  constructor(now: () => number, publish: (channel: string, text: string) => boolean) {
    this.#now = now;
    this.#publish = publish;
  }

  holder(key: string): Holder | null {
    const holder = this.#holders.get(key);
    return holder && holder.till >= this.#now() && holder.token > this.floor ? holder : null;
  }

  /** What stands there, but for tombstones. */
  left(): string[] {
    const now = this.#now();
    return [
      ...[...this.#holders].filter(([key]) => this.holder(key)).map(([key, { id }]) => `"${key}" of ${id}`),
      ...[...this.#places.keys()].filter((id) => this.#place(id)).map((id) => `${id} waits`),
      ...[...this.#notes].filter(([, { until }]) => until >= now).map(([key]) => `the note at "${key}"`),
    ];
  }

  take(claims: readonly Claim[], channel: string): TakeReply[] {
    const withdrawn = claims.map(({ id }) => (this.#tombstones.get(id) ?? -1) >= this.#now());
    const script = this.#begin(claims.filter((_, n) => !withdrawn[n]).map(({ id }) => id));
    for (const [n, claim] of claims.entries()) if (!withdrawn[n]) this.#take(script, claim, channel);
    const noted = new Set<string>();
    const replies = claims.map((claim, n): TakeReply => {
      if (withdrawn[n]) return { status: "withdrawn" };
      const grant = this.#grantOf(claim);
      if (grant !== null)
        return {
          status: "granted",
          grantId: claim.id,
          token: grant.token,
          remaining: grant.till - this.#now(),
        };
      const place = this.#place(claim.id);
      const [leaseEnd, placeEnd] = this.#obstacle(claim);
      if (place === null) return { status: "busy", ownerId: null, freeIn: leaseEnd - this.#now() + 1 };
      for (const key of claim.keys) noted.add(key);
      const checkIn = Math.min(leaseEnd, placeEnd) - this.#now() + 1;
      return { status: "queued", ticket: place.ticket, checkIn };
    });
    this.#writeDown(script);
    for (const key of noted) {
      const note = this.#notes.get(key);
      if (note && note.until >= this.#now() && note.channel !== channel)
        this.#publish(note.channel, `f ${note.id}`);
    }
    return replies;
  }

  renew(renewals: readonly Renewal[]): RenewReply[] {
    const script = this.#begin([]);
    const replies = renewals.map(({ grantId, keys, lease }): RenewReply => {
      if (!keys.every((key) => this.holder(key)?.id === grantId)) return { status: "lost" };
      for (const key of keys) this.#extend(script, key, lease);
      return { status: "renewed", remaining: lease };
    });
    this.#writeDown(script);
    return replies;
  }

  release(releases: readonly NotedRelease[]): ReleaseReply[] {
    const script = this.#begin([]);
    const touched: string[] = [];
    const replies = releases.map((release): ReleaseReply => {
      if (release.by === "owner") throw new Error("Nobody owns anything here");
      const id = release.by === "grant" ? release.grantId : release.claimId;
      touched.push(...release.keys);
      const held = release.keys.filter((key) => this.holder(key)?.id === id);
      for (const key of held) this.#holders.delete(key);
      if (release.noted === true) for (const key of held) this.#notes.delete(key);
      const place = this.#place(id);
      if (place) touched.push(...place.claim.keys);
      this.#places.delete(id);
      const freed =
        release.by === "grant" ? held.length === release.keys.length : held.length > 0 || place !== null;
      return { status: "released", freed };
    });
    this.#advance(script, touched);
    this.#writeDown(script);
    for (const release of releases) {
      if (release.by === "owner" || !release.tombstone) continue;
      const id = release.by === "grant" ? release.grantId : release.claimId;
      this.#tombstones.set(id, this.#now() + TOMBSTONE_LIFETIME);
    }
    return replies;
  }

  stand({ key, grantId, lease, channel, tokens, recall }: Stand): StandReply {
    const holder = this.holder(key);
    if (holder?.id !== grantId) return { status: "lost" };
    const line = this.#line(key);
    const own = line.filter(
      (place) => isPlain(place.claim) && place.claim.lease === lease && place.channel === channel,
    );
    const others = line.length - own.length;
    const home = recall === "always" || (recall === "alone" && others === 0) ? own : [];
    this.#counter += tokens;
    holder.handed = false;
    holder.till = this.#now() + lease;
    this.#notes.set(key, { id: grantId, channel, until: this.#now() + PLACE_LIFETIME });
    const recalled = home.map(({ claim: { id: claimId }, ticket }) => ({ claimId, ticket }));
    for (const { claimId } of recalled) this.#places.delete(claimId);
    return { status: "held", lastToken: this.#counter, others, recalled };
  }

  /** The first of its steps: everything that one holds is free. */
  raiseFloor(): void {
    if (this.#counter === 0) return;
    this.floor = this.#counter;
    this.#publish("", `a ${this.floor}`);
  }

  /** The second: what is waited for is handed on. */
  handOnAll(): void {
    const script = this.#begin([]);
    this.#advance(script, [...new Set([...this.#places.values()].flatMap(({ claim }) => claim.keys))]);
    this.#writeDown(script);
  }

  inspect(keys: readonly string[]): KeyState[] {
    return keys.map((key) => ({ key, holders: [], waiting: this.#line(key).length }));
  }

  #begin(asking: readonly string[]): Script {
    return { asking: new Set(asking), lines: new Map(), given: [], early: new Set() };
  }

  #take(script: Script, claim: Claim, channel: string): void {
    const until = this.#now() + PLACE_LIFETIME;
    const before = this.#grantOf(claim);
    if (before !== null) {
      if (before.handed) for (const key of claim.keys) this.#extend(script, key, claim.lease);
      return;
    }
    const place = this.#place(claim.id);
    if (place) place.until = until;
    this.#advance(script, claim.keys);
    if (this.#grantOf(claim) !== null) return;
    if (this.#fits(claim)) this.#grant(script, claim, claim.lease, false);
    else if (claim.wait && place === null)
      this.#places.set(claim.id, { claim, ticket: this.#next(), channel, until });
  }

  #advance(script: Script, keys: readonly string[]): void {
    const work = [...keys];
    for (let key = work.shift(); key !== undefined; key = work.shift()) {
      for (let [first] = this.#line(key); first && this.#fits(first.claim); [first] = this.#line(key)) {
        const { claim } = first;
        if (script.asking.has(claim.id)) this.#grant(script, claim, claim.lease, false);
        else this.#handTo(script, first);
        work.push(...claim.keys.filter((other) => other !== key));
      }
    }
  }

  #handTo(script: Script, place: Place): void {
    const { claim, ticket, channel, until } = place;
    const lease = Math.min(claim.lease, HANDOVER_LEASE);
    const token = this.#grant(script, claim, lease, true);
    this.#tell(script, channel, `g ${claim.id} ${ticket} ${token} ${lease}`);
    script.given.push({ place, channel, left: until - this.#now() });
  }

  #grant(script: Script, claim: Claim, lease: number, handed: boolean): number {
    const token = this.#next();
    for (const key of claim.keys) {
      if (lease < CHECK_INTERVAL) script.early.add(key);
      this.#holders.set(key, { id: claim.id, token, handed, till: this.#now() + lease });
    }
    this.#places.delete(claim.id);
    return token;
  }

  #extend(script: Script, key: string, lease: number): void {
    const holder = this.holder(key) as Holder;
    const till = this.#now() + lease;
    if (lease < CHECK_INTERVAL && till < holder.till) script.early.add(key);
    holder.till = till;
    holder.handed = false;
  }

  #writeDown(script: Script): void {
    for (const key of script.early) {
      const [first] = this.#line(key);
      if (first && !script.asking.has(first.claim.id))
        this.#tell(script, first.channel, `w ${first.claim.id}`);
    }
    for (const [channel, lines] of script.lines) {
      if (this.#publish(channel, lines.join("\n"))) continue;
      // Nobody heard of it: it waits for as long as the place would have.
      for (const { place, left } of script.given.filter((given) => given.channel === channel)) {
        for (const key of place.claim.keys) {
          const holder = this.holder(key);
          if (holder?.id === place.claim.id)
            holder.till = Math.min(holder.till, this.#now() + Math.max(left, 0));
        }
      }
    }
  }

  #tell({ lines }: Script, channel: string, line: string): void {
    lines.set(channel, [...(lines.get(channel) ?? []), line]);
  }

  #grantOf({ id, keys }: Claim): Holder | null {
    const held = keys.map((key) => this.holder(key));
    return held.every((holder) => holder?.id === id) ? (held[0] as Holder) : null;
  }

  #place(id: string): Place | null {
    const place = this.#places.get(id);
    return place && place.until >= this.#now() ? place : null;
  }

  #line(key: string): Place[] {
    return [...this.#places.values()]
      .filter(({ claim, until }) => claim.keys.includes(key) && until >= this.#now())
      .toSorted((one, other) => one.ticket - other.ticket);
  }

  #fits({ id, keys }: Claim): boolean {
    return keys.every((key) => this.holder(key) === null && (this.#line(key)[0]?.claim.id ?? id) === id);
  }

  #obstacle({ id, keys }: Claim): [number, number] {
    const leases = keys.map((key) => this.holder(key)?.till ?? Infinity);
    const places = keys.map((key) => this.#line(key)[0]).filter((first) => first && first.claim.id !== id);
    return [Math.min(...leases), Math.min(...places.map((first) => first?.until ?? Infinity))];
  }

  #next(): number {
    this.#counter += 1;
    return this.#counter;
  }
}

function isPlain({ kind, limit, keys }: Claim): boolean {
  return kind === "execute" && limit === 1 && keys.length === 1;
}
