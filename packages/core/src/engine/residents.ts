import { channel } from "node:diagnostics_channel";
import type { ProviderCapabilities } from "../contract/capabilities.ts";
import type { LockError } from "../contract/errors.ts";
import type {
  Claim,
  Handover,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreEvents,
  TakeReply,
} from "../contract/lock-store.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type { Exchange } from "./exchange.ts";
import type { Grant, GrantHost } from "./grant.ts";
import type { Receiver } from "./outbox.ts";
import { closed } from "./refusals.ts";
import type { Waiter, WaiterHost } from "./waiter.ts";

type Answered<Reply> = Exclude<Reply, { readonly status: "failed" }>;

const lostChannel = channel("@lock/core:lost");

/** Who lives in an engine: the claims that wait and the grants whose jobs run. It tells them what the store says of them. */
export class Residents implements StoreEvents, WaiterHost, GrantHost {
  readonly identifier: string;
  /** The store is closed: nothing can be asked any more. */
  closed = false;
  readonly #exchange: Exchange;
  readonly #capabilities: () => ProviderCapabilities;
  readonly #waiters = new Map<string, Waiter>();
  readonly #grants = new Map<string, Grant>();
  readonly #drained = new Set<() => void>();

  constructor(identifier: string, exchange: Exchange, capabilities: () => ProviderCapabilities) {
    this.identifier = identifier;
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

  get fencing(): boolean {
    return this.#capabilities().fencing;
  }

  /** Whether a job runs. */
  get busy(): boolean {
    return this.#grants.size > 0;
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

  /** A job runs under this grant from now on. */
  run(grant: Grant): void {
    this.#grants.set(grant.id, grant);
  }

  /** The job has settled and the grant is given back. */
  leave(grant: Grant): void {
    this.#grants.delete(grant.id);
    if (this.#grants.size > 0 || this.#drained.size === 0) return;
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

  release(release: Release, receiver: Receiver<Answered<ReleaseReply>>): void {
    this.#exchange.release(release, receiver);
  }

  grantLost(grant: Grant, error: LockError): void {
    if (lostChannel.hasSubscribers) {
      lostChannel.publish({ provider: this.identifier, keys: grant.keys, ownerId: grant.ownerId, error });
    }
  }

  granted(handover: Handover): void {
    this.#waiters.get(handover.claimId)?.handedOver(handover);
  }

  wake(claimIds: Iterable<string>): void {
    for (const claimId of claimIds) this.#waiters.get(claimId)?.woken();
  }

  wakeAll(): void {
    for (const waiter of [...this.#waiters.values()]) waiter.woken();
  }

  lost(grantIds: Iterable<string>, cause?: unknown): void {
    for (const grantId of grantIds) this.#grants.get(grantId)?.lose("the backend says so", cause);
  }

  lostAll(cause?: unknown): void {
    for (const grant of [...this.#grants.values()]) grant.lose("the backend says so", cause);
  }

  endWaiters(): void {
    for (const waiter of [...this.#waiters.values()]) waiter.end(closed(this.identifier, waiter.claim.keys));
  }

  /** Tells the jobs that still run. Their locks are not freed: the lease does that, or the end of the session. */
  endGrants(): void {
    for (const grant of [...this.#grants.values()]) grant.end(closed(this.identifier, grant.keys));
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
      const overdue: Appointment = { at: 0, slot: UNSET, due: tell };
      this.agenda.set(overdue, this.clock.now() + within);
      this.#drained.add(tell);
    });
  }
}
