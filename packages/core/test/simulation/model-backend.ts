import {
  HANDOVER_LEASE,
  PLACE_LIFETIME,
  type Claim,
  type Handover,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type TakeReply,
} from "../../src/contract/lock-store.ts";

interface Held {
  readonly claim: Claim;
  readonly token: number;
  expiresAt: number;
  provisional: boolean;
}

interface Queued {
  readonly claim: Claim;
  readonly ticket: number;
  readonly tell: (handover: Handover) => void;
  alive: number;
}

/** What a backend does, in the plainest form: lists, scanned. It serves claims without owners. */
export class ModelBackend {
  readonly #now: () => number;
  readonly #tombstones = new Set<string>();
  held: Held[] = [];
  queue: Queued[] = [];
  #token = 0;
  #ticket = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  take(claim: Claim, tell: (handover: Handover) => void): TakeReply {
    if (this.#tombstones.has(claim.id)) return { status: "withdrawn" };
    this.#tidy();
    const held = this.held.find((each) => each.claim.id === claim.id);
    if (held !== undefined) {
      if (held.provisional) held.expiresAt = this.#now() + claim.lease;
      held.provisional = false;
      return {
        status: "granted",
        grantId: claim.id,
        token: held.token,
        remaining: held.expiresAt - this.#now(),
      };
    }
    let queued = this.queue.find((each) => each.claim.id === claim.id);
    if (queued !== undefined) queued.alive = this.#now() + PLACE_LIFETIME;
    else if (this.#fits(claim, Infinity)) {
      const grant = this.#grant(claim, claim.lease, false);
      return { status: "granted", grantId: claim.id, token: grant.token, remaining: claim.lease };
    } else if (!claim.wait) return { status: "busy", ownerId: null, freeIn: this.#endOf(claim) };
    else {
      queued = { claim, ticket: ++this.#ticket, tell, alive: this.#now() + PLACE_LIFETIME };
      this.queue.push(queued);
    }
    this.#advance();
    return { status: "queued", ticket: queued.ticket, checkIn: this.#endOf(claim) };
  }

  renew({ grantId, lease }: Renewal): RenewReply {
    this.#tidy();
    const held = this.held.find((each) => each.claim.id === grantId);
    if (held === undefined) return { status: "lost" };
    held.expiresAt = this.#now() + lease;
    held.provisional = false;
    return { status: "renewed", remaining: lease };
  }

  release(release: Release): ReleaseReply {
    if (release.by === "owner") throw new Error("The model knows no owners");
    const id = release.by === "grant" ? release.grantId : release.claimId;
    this.#tidy();
    const before = this.held.length + this.queue.length;
    this.held = this.held.filter((each) => each.claim.id !== id);
    this.queue = this.queue.filter((each) => each.claim.id !== id);
    if (release.tombstone) this.#tombstones.add(id);
    const freed = this.held.length + this.queue.length < before;
    this.#advance();
    return { status: "released", freed };
  }

  /** Frees all that is held, as somebody else's `releaseAll` does, and tells the tokens. */
  releaseAll(): bigint[] {
    const freed = this.held.map((each) => BigInt(each.token));
    this.held = [];
    this.#advance();
    return freed;
  }

  #fits(claim: Claim, before: number): boolean {
    return claim.keys.every((key) => {
      const holders = this.held.filter((each) => wants(each.claim, key));
      const earlier = this.queue.some((each) => each.ticket < before && wants(each.claim, key));
      return (
        !earlier && holders.length < claim.limit && holders.every((each) => each.claim.limit === claim.limit)
      );
    });
  }

  #grant(claim: Claim, lease: number, provisional: boolean): Held {
    const held = { claim, token: ++this.#token, expiresAt: this.#now() + lease, provisional };
    this.held.push(held);
    return held;
  }

  #advance(): void {
    for (const queued of [...this.queue]) {
      if (!this.#fits(queued.claim, queued.ticket)) continue;
      this.queue.splice(this.queue.indexOf(queued), 1);
      const remaining = Math.min(queued.claim.lease, HANDOVER_LEASE);
      const { token } = this.#grant(queued.claim, remaining, true);
      queued.tell({ claimId: queued.claim.id, ticket: queued.ticket, token, remaining, provisional: true });
    }
  }

  #tidy(): void {
    const now = this.#now();
    this.held = this.held.filter((each) => each.expiresAt > now);
    this.queue = this.queue.filter((each) => each.alive > now);
    this.#advance();
  }

  #endOf(claim: Claim): number {
    const inTheWay = this.held.filter((each) => each.claim.keys.some((key) => wants(claim, key)));
    return Math.min(...inTheWay.map((each) => each.expiresAt)) - this.#now();
  }
}

function wants(claim: Claim, key: string): boolean {
  return claim.keys.includes(key);
}
