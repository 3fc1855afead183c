import { isLockError } from "../contract/errors.ts";
import type {
  Awaitable,
  Claim,
  LockStore,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  TakeReply,
} from "../contract/lock-store.ts";
import { Agenda, UNSET, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import { isThenable, noReply, Outbox, type Receiver } from "./outbox.ts";
import { type Policy, WITHDRAWAL_GRACE } from "./policy.ts";
import { isReleaseReply, isRenewReply, isTakeReply } from "./replies.ts";

type Answered<Reply> = Exclude<Reply, { readonly status: "failed" }>;

const DEFAULT_BATCH = 100;

/** What a release found. `unclear`: it was sent twice, and the first may have freed it. */
export type Freed = "freed" | "gone" | "unclear";

/** All traffic between an engine and its store: batches of one tick, bounded in time, and what must be delivered whatever happens. */
export class Exchange {
  readonly clock: Clock;
  readonly policy: Policy;
  /** What somebody waits for: it keeps the process up. */
  readonly agenda: Agenda;
  /** Deadlines and renewals of what is held: they do not. */
  readonly leases: Agenda;
  /** The store is closed: nothing can be asked any more. */
  closed = false;
  readonly #store: LockStore;
  readonly #takes: Outbox<Claim, TakeReply>;
  readonly #renewals: Outbox<Renewal, RenewReply>;
  readonly #releases: Outbox<Release, ReleaseReply>;
  readonly #ownerReleases: Outbox<Release, ReleaseReply>;
  readonly #deliveries = new Set<Delivery>();
  #calls = 0;
  #idle: (() => void) | null = null;

  /** A number from 0 up to 1. */
  readonly random: () => number;

  constructor(store: LockStore, policy: Policy, clock: Clock, random: () => number) {
    this.clock = clock;
    this.random = random;
    this.policy = policy;
    this.agenda = new Agenda(clock, true);
    this.leases = new Agenda(clock, false);
    this.#store = store;
    const { callTimeout } = policy;
    const common = { clock, agenda: this.agenda, batch: store.batch ?? DEFAULT_BATCH, callTimeout };
    const takes = { send: (claims: readonly Claim[]) => store.take(claims), isReply: isTakeReply };
    const renewals = { send: (asked: readonly Renewal[]) => store.renew(asked), isReply: isRenewReply };
    const releases = { send: (asked: readonly Release[]) => store.release(asked), isReply: isReleaseReply };
    this.#takes = new Outbox({ ...common, repeatable: true, ...takes });
    this.#renewals = new Outbox({ ...common, repeatable: true, ...renewals });
    this.#releases = new Outbox({ ...common, repeatable: true, ...releases });
    // A repeat could free a newer grant of that owner.
    this.#ownerReleases = new Outbox({ ...common, repeatable: false, ...releases });
  }

  /** Whether the store takes requests singly, so that it may be asked without the outbox. */
  get single(): boolean {
    return this.#store.batch === 1;
  }

  /** Asks at once. What the store gives is its answer, or the promise of it; what grants nothing is to be passed to `adopt`. */
  askAtOnce(claim: Claim): Awaitable<readonly TakeReply[]> {
    return this.#store.take([claim]);
  }

  adopt(
    replies: Awaitable<readonly TakeReply[]>,
    claim: Claim,
    receiver: Receiver<Answered<TakeReply>>,
    sentAt: number,
  ): void {
    this.#takes.adopt(replies, claim, receiver, sentAt);
  }

  ask(claim: Claim, receiver: Receiver<Answered<TakeReply>>): void {
    this.#takes.post(claim, receiver);
  }

  renew(renewal: Renewal, receiver: Receiver<Answered<RenewReply>>): void {
    this.#renewals.post(renewal, receiver);
  }

  release(release: Release, receiver: Receiver<Answered<ReleaseReply>>): void {
    this.#releases.post(release, receiver);
  }

  /** Frees a grant; at once where the store answers at once. It names its grant, so that it may be sent twice. */
  free(release: Release): Awaitable<Freed> {
    if (!this.single) return this.#freed(release, (receiver) => this.#releases.post(release, receiver));
    const replies = this.#store.release([release]);
    if (isThenable(replies)) {
      const sentAt = this.clock.now();
      return this.#freed(release, (receiver) => this.#releases.adopt(replies, release, receiver, sentAt));
    }
    const reply = replies?.[0];
    if (reply?.status === "released" && typeof reply.freed === "boolean")
      return reply.freed ? "freed" : "gone";
    throw reply?.status === "failed" ? reply.error : noReply(reply);
  }

  #freed(release: Release, send: (receiver: Receiver<Answered<ReleaseReply>>) => void): Promise<Freed> {
    return this.#counted(
      new Promise((resolve, reject) => {
        const answered: Receiver<Answered<ReleaseReply>>["answered"] = ({ freed }, _sentAt, repeated) =>
          resolve(freed ? "freed" : repeated ? "unclear" : "gone");
        const again: Receiver<Answered<ReleaseReply>> = {
          answered: (reply, sentAt) => answered(reply, sentAt, true),
          failed: reject,
        };
        send({
          answered,
          failed: (error, sentAt) => {
            // A connection that broke is often back at once; of a backend that was silent for long, the caller should hear now.
            const quick = this.clock.now() - sentAt < this.policy.callTimeout / 2;
            if (!quick || isLockError(error) || this.closed) reject(error);
            else this.#releases.post(release, again);
          },
        });
      }),
    );
  }

  /** Frees what the owner holds of the keys; sent once. */
  releaseOwned(keys: readonly string[], ownerId: string | null): Promise<boolean> {
    return this.#counted(
      new Promise((resolve, reject) => {
        this.#ownerReleases.post(
          { by: "owner", ownerId, keys },
          { answered: (reply) => resolve(reply.freed), failed: reject },
        );
      }),
    );
  }

  /** Any other call to the store, bounded in time. */
  call<T>(ask: () => Awaitable<T>, within: number = this.policy.callTimeout): Promise<T> {
    return this.#counted(
      new Promise<T>((resolve, reject) => {
        const overdue: Appointment = {
          slot: UNSET,
          due: () => reject(new Error(`The backend gave no answer within ${within} ms`)),
        };
        this.agenda.set(overdue, this.clock.now() + within);
        const end = (): void => this.agenda.cancel(overdue);
        Promise.resolve()
          .then(ask)
          .then(resolve, reject)
          .finally(end)
          .catch(() => {});
      }),
    );
  }

  /** Gives back what the backend may have of a claim; `done` is called once it answered, or after a moment if it doesn't. */
  withdraw(claim: Claim, tombstone: boolean, done: () => void): void {
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      this.agenda.cancel(grace);
      done();
    };
    const grace: Appointment = { slot: UNSET, due: tell };
    const now = this.clock.now();
    this.agenda.set(grace, now + WITHDRAWAL_GRACE);
    const release: Release = { by: "claim", claimId: claim.id, keys: claim.keys, tombstone };
    // Another call of its owner may have been granted in place under this claim, for longer than it asked for itself.
    const lasts = claim.ownerId === null ? Math.max(claim.lease, this.policy.callTimeout) * 2 : Infinity;
    this.deliver(release, now + lasts, tell);
  }

  /** Sees to it that a release by id gets through, until `until`. */
  deliver(release: Release, until: number, tried: (() => void) | null = null): void {
    if (this.closed) return tried?.();
    const delivery = new Delivery(this, release, until, tried);
    this.#deliveries.add(delivery);
    delivery.send();
  }

  delivered(delivery: Delivery): void {
    this.#deliveries.delete(delivery);
    this.#settled();
  }

  /** Resolves when nothing is under way any more, or after `within` milliseconds; what was not delivered by then is dropped. */
  async quiesce(within: number): Promise<void> {
    if (this.#calls > 0 || this.#deliveries.size > 0) {
      await new Promise<void>((resolve) => {
        const overdue: Appointment = { slot: UNSET, due: () => resolve() };
        this.agenda.set(overdue, this.clock.now() + within);
        this.#idle = () => {
          this.agenda.cancel(overdue);
          resolve();
        };
      });
      this.#idle = null;
    }
    for (const delivery of this.#deliveries) this.leases.cancel(delivery);
  }

  async #counted<T>(call: Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await call;
    } finally {
      this.#calls -= 1;
      this.#settled();
    }
  }

  #settled(): void {
    if (this.#calls === 0 && this.#deliveries.size === 0) this.#idle?.();
  }
}
