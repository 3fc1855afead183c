import { channel } from "node:diagnostics_channel";
import type { ProviderCapabilities } from "../contract/capabilities.ts";
import type { LockError } from "../contract/errors.ts";
import {
  TOMBSTONE_LIFETIME,
  type Awaitable,
  type Claim,
  type Handover,
  type Release,
  type Renewal,
  type RenewReply,
  type StoreEvents,
  type TakeReply,
} from "../contract/lock-store.ts";
import type { Logger } from "../contract/logger.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type { Exchange, Freed } from "./exchange.ts";
import type { GrantHost } from "./grant-host.ts";
import { Grant } from "./grant.ts";
import type { Receiver } from "./outbox.ts";
import { closed } from "./refusals.ts";
import { isHandover } from "./replies.ts";
import type { Granted, Waiter, WaiterHost } from "./waiter.ts";

type Answered<Reply> = Exclude<Reply, { readonly status: "failed" }>;

const lostChannel = channel("@lock/core:lost");

/** Who lives in an engine: the claims that wait and the grants whose jobs run. It tells them what the store says of them. */
export class Residents implements StoreEvents, WaiterHost, GrantHost {
  /** What events and messages call the provider: `lp_{id}`, once it is registered. */
  name: string;
  /** From when it is connected. */
  logger: Logger | null = null;
  readonly #exchange: Exchange;
  readonly #capabilities: () => ProviderCapabilities;
  readonly #waiters = new Map<string, Waiter>();
  // Looked up by id only when the store says that some are lost. In a chain: every job passes through here.
  #lastGrant: Grant | null = null;
  // Claims that are asked for before anybody waits for them, and what the store says of them meanwhile.
  #asking = 0;
  readonly #early = new Map<string, Handover | null>();
  readonly #drained = new Set<() => void>();

  constructor(name: string, exchange: Exchange, capabilities: () => ProviderCapabilities) {
    this.name = name;
    this.#exchange = exchange;
    this.#capabilities = capabilities;
  }

  get clock(): Clock {
    return this.#exchange.clock;
  }

  get agenda(): Agenda {
    return this.#exchange.agenda;
  }

  get leases(): Agenda {
    return this.#exchange.leases;
  }

  get closed(): boolean {
    return this.#exchange.closed;
  }

  get fencing(): boolean {
    return this.#capabilities().fencing;
  }

  get defaultLease(): number {
    return this.#exchange.policy.lease;
  }

  get callTimeout(): number {
    return this.#exchange.policy.callTimeout;
  }

  /** Whether a job runs. */
  get busy(): boolean {
    return this.#lastGrant !== null;
  }

  random(): number {
    return this.#exchange.random();
  }

  enter(waiter: Waiter): void {
    this.#waiters.set(waiter.claim.id, waiter);
  }

  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter.claim.id);
  }

  hold({ keys, ownerId, kind, lease, transaction }: Claim, granted: Granted): Grant {
    const keeping = kind === "execute" && transaction == null ? "renewed" : "as-granted";
    return new Grant(this, keys, ownerId, granted, keeping, lease);
  }

  /** A job runs under this grant from now on. */
  run(grant: Grant): void {
    const before = this.#lastGrant;
    grant.before = before;
    if (before !== null) before.after = grant;
    this.#lastGrant = grant;
  }

  /** The job has settled and the grant is given back. */
  leave(grant: Grant): void {
    const { before, after } = grant;
    if (before !== null) before.after = after;
    if (after !== null) after.before = before;
    else this.#lastGrant = before;
    grant.before = grant.after = null;
    if (this.busy || this.#drained.size === 0) return;
    for (const tell of this.#drained) tell();
  }

  ask(claim: Claim, receiver: Receiver<Answered<TakeReply>>): void {
    this.#exchange.ask(claim, receiver);
  }

  withdraw(claim: Claim, tombstone: boolean, done: () => void): void {
    this.#exchange.withdraw(claim, tombstone, done);
  }

  renew(renewal: Renewal, receiver: Receiver<Answered<RenewReply>>): void {
    this.#exchange.renew(renewal, receiver);
  }

  free(release: Release): Awaitable<Freed> {
    return this.#exchange.free(release);
  }

  bury(claimId: string, keys: readonly string[]): void {
    const until = this.clock.now() + TOMBSTONE_LIFETIME;
    this.#exchange.deliver({ by: "claim", claimId, keys, tombstone: true }, until);
  }

  leaveToLease({ id, keys, longestLease }: Grant): void {
    const until = this.clock.now() + Math.max(longestLease, this.callTimeout);
    this.#exchange.deliver({ by: "grant", grantId: id, keys, tombstone: true }, until);
  }

  warn(message: string): void {
    this.logger?.warn(message);
  }

  grantLost(grant: Grant, error: LockError): void {
    if (lostChannel.hasSubscribers) {
      lostChannel.publish({ provider: this.name, keys: grant.keys, ownerId: grant.ownerId, error });
    }
  }

  /** Asks for a claim that nobody waits for yet; `early` tells afterwards what was said of it meanwhile. */
  askAtOnce(claim: Claim): Awaitable<readonly TakeReply[]> {
    if (this.#asking === 0 && this.#early.size > 0) this.#early.clear();
    this.#asking += 1;
    try {
      return this.#exchange.askAtOnce(claim);
    } finally {
      this.#asking -= 1;
    }
  }

  /** Passes on what was said of a claim before its waiter was there. */
  tellEarly(waiter: Waiter): void {
    if (this.#early.size === 0) return;
    const early = this.#early.get(waiter.claim.id);
    if (early === null) waiter.woken();
    else if (early !== undefined) waiter.handedOver(early);
  }

  granted(handover: Handover): void {
    // One that makes no sense is only a reason to ask.
    if (!isHandover(handover)) return this.wake([handover.claimId]);
    const waiter = this.#waiters.get(handover.claimId);
    if (waiter !== undefined) waiter.handedOver(handover);
    else if (this.#asking > 0) this.#early.set(handover.claimId, handover);
  }

  wake(claimIds: Iterable<string>): void {
    for (const claimId of claimIds) {
      const waiter = this.#waiters.get(claimId);
      if (waiter !== undefined) waiter.woken();
      else if (this.#asking > 0 && !this.#early.has(claimId)) this.#early.set(claimId, null);
    }
  }

  wakeAll(): void {
    for (const waiter of [...this.#waiters.values()]) waiter.woken();
  }

  lost(grantIds: Iterable<string>, cause?: unknown): void {
    const gone = new Set(grantIds);
    for (const grant of this.#allGrants()) if (gone.has(grant.id)) grant.lose("the backend says so", cause);
  }

  lostAll(cause?: unknown): void {
    for (const grant of this.#allGrants()) grant.lose("the backend says so", cause);
  }

  endWaiters(): void {
    for (const waiter of [...this.#waiters.values()]) waiter.end(closed(this.name, waiter.claim.keys));
  }

  /** Tells the jobs that still run. Their locks are not freed: the lease does that, or the end of the session. */
  endGrants(): void {
    for (const grant of this.#allGrants()) grant.end(closed(this.name, grant.keys));
  }

  #allGrants(): Grant[] {
    const all: Grant[] = [];
    for (let grant = this.#lastGrant; grant !== null; grant = grant.before) all.push(grant);
    return all.toReversed();
  }

  /** Resolves when no job runs, or after `within` milliseconds. */
  async drained(within: number): Promise<void> {
    if (!this.busy) return;
    await new Promise<void>((resolve) => {
      const tell = (): void => {
        this.agenda.cancel(overdue);
        this.#drained.delete(tell);
        resolve();
      };
      const overdue: Appointment = { slot: UNSET, due: tell };
      this.agenda.set(overdue, this.clock.now() + within);
      this.#drained.add(tell);
    });
  }
}
