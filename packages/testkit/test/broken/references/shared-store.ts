import {
  HANDOVER_LEASE,
  PLACE_LIFETIME,
  type Claim,
  type LockStore,
  type ProviderCapabilities,
  type Renewal,
  type RenewReply,
  type StoreContext,
  type StoreEvents,
  type TakeReply,
} from "@lock/core";
import { ReferenceStore, type Place } from "./reference-store.ts";

/** What the instances of one namespace share: one reference store, which reckons with waiters that are dead. */
export class Backend extends ReferenceStore {
  override readonly capabilities: ProviderCapabilities = {
    ...new ReferenceStore().capabilities,
    scope: "shared",
  };
  readonly listeners: Set<StoreEvents> = new Set();
  /** When each claim that waits was last asked for. */
  readonly asked: Map<string, number> = new Map();
  /** Grants that were handed over, until their waiter is heard of. */
  readonly provisional: Set<string> = new Set();

  override takeOne(claim: Claim): TakeReply {
    this.asked.set(claim.id, this.now());
    this.confirm(claim.id, claim.lease);
    const reply = super.takeOne(claim);
    if (reply.status !== "queued") this.asked.delete(claim.id);
    return reply;
  }

  override renewOne(renewal: Renewal): RenewReply {
    this.provisional.delete(renewal.grantId);
    return super.renewOne(renewal);
  }

  override leave(id: string): boolean {
    this.asked.delete(id);
    return super.leave(id);
  }

  override handTo({ claim, ticket }: Place): void {
    const grant = this.grant(claim);
    if (grant.id === claim.id) {
      this.provisional.add(grant.id);
      grant.end = Math.min(grant.end, this.now() + HANDOVER_LEASE);
    }
    const remaining = grant.end - this.now();
    this.events?.granted({ claimId: claim.id, ticket, token: grant.token, remaining, provisional: true });
  }

  override expire(): void {
    const dead = this.queue.filter(({ claim }) => this.isDead(claim));
    for (const { claim } of dead) this.leave(claim.id);
    super.expire();
    for (const id of this.provisional) if (!this.grants.has(id)) this.provisional.delete(id);
    if (dead.length > 0) this.advance();
  }

  isDead(claim: Claim): boolean {
    return this.now() - (this.asked.get(claim.id) ?? 0) > PLACE_LIFETIME;
  }

  /** How much it keeps. */
  get entries(): number {
    return this.grants.size + this.queue.length + this.asked.size + this.provisional.size;
  }

  confirm(id: string, lease: number): void {
    const grant = this.grants.get(id);
    if (grant !== undefined && this.provisional.delete(id)) grant.end = this.now() + lease;
  }
}

const backends = new Map<string, Backend>();

/** An instance of a store that is shared by all instances of this process: two services can meet in it, two processes can't. */
export class SharedStore implements LockStore {
  readonly backend: Backend;
  readonly capabilities: ProviderCapabilities;
  events: StoreEvents | undefined;

  constructor(namespace: string, _url: string = "", Kind: new () => Backend = Backend) {
    this.backend = backends.get(namespace) ?? new Kind();
    backends.set(namespace, this.backend);
    this.capabilities = this.backend.capabilities;
  }

  connect({ events, id, logger }: StoreContext): void {
    this.events = events;
    this.backend.listeners.add(events);
    // As a published message: every instance hears it and finds out what is its own.
    this.backend.events = {
      granted: (handover) => this.tell((one) => one.granted(handover)),
      wake: (claims) => this.tell((one) => one.wake(claims)),
      wakeAll: () => this.tell((one) => one.wakeAll()),
      lost: (grants) => this.tell((one) => one.lost(grants)),
      lostAll: () => this.tell((one) => one.lostAll()),
    };
    logger.info(`Connection to itself in "${id}" provider established`);
  }

  tell(what: (listener: StoreEvents) => void): void {
    for (const listener of this.backend.listeners) what(listener);
  }

  take(claims: readonly Claim[]): ReturnType<ReferenceStore["take"]> {
    return this.backend.take(claims);
  }

  renew(...args: Parameters<ReferenceStore["renew"]>): ReturnType<ReferenceStore["renew"]> {
    return this.backend.renew(...args);
  }

  release(...args: Parameters<ReferenceStore["release"]>): ReturnType<ReferenceStore["release"]> {
    return this.backend.release(...args);
  }

  releaseAll(ownerId: string | null): void {
    this.backend.releaseAll(ownerId);
  }

  inspect(keys: readonly string[]): ReturnType<ReferenceStore["inspect"]> {
    return this.backend.inspect(keys);
  }

  count(): number {
    return this.backend.entries;
  }

  close(): void {
    if (this.events !== undefined) this.backend.listeners.delete(this.events);
  }
}
