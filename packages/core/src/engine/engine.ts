import { randomBytes } from "node:crypto";
import type { ProviderCapabilities } from "../contract/capabilities.ts";
import type { Lock } from "../contract/lock.ts";
import type {
  Awaitable,
  Claim,
  KeyState,
  LockStore,
  StoreEvents,
  TakeReply,
} from "../contract/lock-store.ts";
import type { CleanAcquireArgs, CleanExecuteArgs, ConnectContext, Provider } from "../contract/provider.ts";
import type { SharedContext } from "../contract/shared-context.ts";
import { bindToTransaction } from "./binding.ts";
import { systemClock, type Clock } from "./clock.ts";
import { Exchange } from "./exchange.ts";
import { Grant } from "./grant.ts";
import { runJob, runJobInTime } from "./job.ts";
import { isThenable, noReply } from "./outbox.ts";
import type { Policy } from "./policy.ts";
import { isGrant } from "./replies.ts";
import { closed, unavailable, unbound, unsupported } from "./refusals.ts";
import { Residents } from "./residents.ts";
import { Waiter, type Wish } from "./waiter.ts";
import type { Rules } from "./waiting.ts";

/** How long, at close, what is under way may take to be answered. */
const QUIESCENCE = 1_000;
/** How long the store may take to close. */
const CLOSE_TIMEOUT = 1_500;

/** Turns a `LockStore` into a provider: adds waiting, deadlines, renewal, the lost signal and the way out. */
export class Engine implements Provider {
  readonly identifier: string;
  readonly #store: LockStore;
  readonly #exchange: Exchange;
  readonly #residents: Residents;
  // Claims of all engines of all processes must differ.
  readonly #prefix = randomBytes(9).toString("base64url");
  #claims = 0;
  readonly #rules: Partial<Record<Claim["kind"], Rules>> = {};
  #closing: Promise<void> | null = null;

  constructor(
    identifier: string,
    store: LockStore,
    policy: Policy,
    clock: Clock = systemClock,
    random: () => number = Math.random,
  ) {
    this.identifier = identifier;
    this.#store = store;
    this.#exchange = new Exchange(store, policy, clock, random);
    this.#residents = new Residents(identifier, this.#exchange, () => store.capabilities);
  }

  get capabilities(): ProviderCapabilities {
    return this.#store.capabilities;
  }

  async connect({ id, logger }: ConnectContext): Promise<void> {
    this.#residents.logger = logger;
    this.#residents.name = `lp_${id}`;
    const events: StoreEvents = this.#residents;
    await this.#store.connect?.({ id, logger, events });
    if (this.#closing === null) return;
    // It was closed while it connected; what has been opened since is closed too.
    await this.#closeStore();
    throw closed(this.#residents.name);
  }

  execute<T>(
    keys: readonly string[],
    job: (lock: Lock) => Awaitable<T>,
    args: CleanExecuteArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<T> {
    let transaction: unknown;
    try {
      transaction = this.#admit(keys, args.signal, sharedContext);
    } catch (error) {
      return Promise.reject(error);
    }
    const { policy } = this.#exchange;
    const timeout = args.timeout ?? policy.waitTimeout;
    const claim: Claim = {
      id: this.#nextId(),
      keys,
      ownerId: null,
      kind: "execute",
      limit: args.limit,
      lease: args.expire || policy.lease,
      keepLease: false,
      wait: timeout > 0,
    };
    const wish = { claim, timeout, signal: args.signal, job };
    if (transaction != null) return this.#runBound({ ...wish, claim: { ...claim, transaction } }, job);
    const held = this.#obtain(wish);
    return held instanceof Grant ? runJob(held, job, this.#residents) : held.then<T>(runJobInTime);
  }

  async acquire(
    keys: readonly string[],
    args: CleanAcquireArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<Lock> {
    const transaction = this.#admit(keys, args.signal, sharedContext);
    const { policy } = this.#exchange;
    const timeout = args.timeout ?? policy.waitTimeout;
    const claim: Claim = {
      id: this.#nextId(),
      keys,
      ownerId: args.ownerId,
      kind: "acquire",
      limit: args.limit,
      lease: args.expire || Infinity,
      keepLease: args.expire === undefined,
      wait: args.awaitQueue && timeout > 0,
    };
    const wish = { claim, timeout: args.awaitQueue ? timeout : null, signal: args.signal, job: null };
    if (transaction == null) return this.#granted(wish);
    // By its owner it could be freed, or granted again, from outside of the transaction.
    const { lease } = policy;
    const strange: Claim = { ...claim, ownerId: null, kind: "execute", lease, keepLease: false, transaction };
    return this.#bind({ ...wish, claim: strange }, args.ownerId);
  }

  async release(
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): Promise<boolean> {
    if (this.#admit(keys, undefined, sharedContext) != null) throw unbound(this.#residents.name, keys);
    try {
      return await this.#exchange.releaseOwned(keys, ownerId);
    } catch (error) {
      throw unavailable(this.#residents.name, "releasing", keys, error);
    }
  }

  async releaseAll(ownerId: string | null, sharedContext: SharedContext | undefined): Promise<void> {
    if (this.#admit([], undefined, sharedContext) != null) throw unbound(this.#residents.name);
    try {
      await this.#exchange.call(() => this.#store.releaseAll(ownerId));
    } catch (error) {
      throw unavailable(this.#residents.name, "releasing all", [], error);
    }
  }

  async inspect(keys: readonly string[]): Promise<readonly KeyState[]> {
    this.#admit(keys, undefined, undefined);
    const { inspect } = this.#store;
    if (inspect === undefined) throw unsupported(this.#residents.name, "inspect", keys);
    try {
      const states = await this.#exchange.call(() => inspect.call(this.#store, keys));
      if (states?.length !== keys.length) throw noReply(states);
      return states;
    } catch (error) {
      throw unavailable(this.#residents.name, "inspecting", keys, error);
    }
  }

  close(drain: number): Promise<void> {
    this.#closing ??= this.#close(drain);
    return this.#closing;
  }

  async #close(drain: number): Promise<void> {
    const residents = this.#residents;
    residents.endWaiters();
    await residents.drained(drain);
    residents.endGrants();
    await this.#exchange.quiesce(QUIESCENCE);
    if (this.capabilities.crashRelease === "session" && residents.busy) {
      // The locks live with the connection, so it stays open until the last job has settled.
      void residents.drained(Infinity).then(() => this.#closeStore());
      return;
    }
    await this.#closeStore();
  }

  async #closeStore(): Promise<void> {
    this.#exchange.closed = true;
    try {
      await this.#exchange.call(() => this.#store.close?.(), CLOSE_TIMEOUT);
    } catch (error) {
      this.#residents.warn(`Closing "${this.#residents.name}" failed: ${String(error)}`);
    }
  }

  #admit(
    keys: readonly string[],
    signal: AbortSignal | undefined,
    sharedContext: SharedContext | undefined,
  ): unknown {
    if (this.#closing !== null) throw closed(this.#residents.name, keys);
    const transaction = sharedContext?.transactionManager;
    if (transaction != null && !(this.capabilities.transactions && this.#store.bind !== undefined))
      throw unsupported(this.#residents.name, "transactions", keys);
    signal?.throwIfAborted();
    return transaction;
  }

  async #runBound<T>(wish: Wish, job: (lock: Lock) => Awaitable<T>): Promise<T> {
    const grant = await this.#bind(wish);
    // It was bound a moment ago, and close may have begun since.
    if (this.#closing !== null) throw closed(this.#residents.name, wish.claim.keys);
    this.#residents.run(grant);
    return runJob(grant, job, this.#residents);
  }

  async #bind(wish: Wish, ownerId: string | null = null): Promise<Grant> {
    const isClosing = (): boolean => this.#closing !== null;
    const parts = { store: this.#store, exchange: this.#exchange, residents: this.#residents, isClosing };
    return bindToTransaction(await this.#granted(wish), wish.claim, ownerId, wish.signal, parts);
  }

  #nextId(): string {
    this.#claims += 1;
    return this.#prefix + this.#claims;
  }

  async #granted(wish: Wish): Promise<Grant> {
    const held = this.#obtain(wish);
    return held instanceof Grant ? held : (await held).grant;
  }

  /** The grant: at once where the store has it at once, which spares an uncontended claim all of the machinery. */
  #obtain(wish: Wish): Grant | Promise<Waiter> {
    const sentAt = this.#exchange.clock.now();
    if (!this.#exchange.single) return this.#wait(wish, sentAt, null);
    let replies: Awaitable<readonly TakeReply[]>;
    try {
      replies = this.#residents.askAtOnce(wish.claim);
    } catch (error) {
      return this.#wait(wish, sentAt, Promise.reject(error));
    }
    const reply = isThenable(replies) ? undefined : replies?.[0];
    if (reply?.status !== "granted" || !isGrant(reply)) return this.#wait(wish, sentAt, replies);
    const { grantId, token, remaining } = reply;
    return this.#residents.hold(wish.claim, { grantId, token, since: sentAt, remaining, tombstone: false });
  }

  /** Resolves when the waiting is over. `first`: what came of its first request, where that was sent already. */
  #wait(wish: Wish, startedAt: number, first: Awaitable<readonly TakeReply[]> | null): Promise<Waiter> {
    const { claim } = wish;
    return new Promise((resolve) => {
      const waiter = new Waiter(this.#residents, wish, startedAt, this.#rulesOf(claim), resolve);
      this.#residents.enter(waiter);
      waiter.start(first === null);
      if (first !== null) this.#exchange.adopt(first, claim, waiter, startedAt);
      this.#residents.tellEarly(waiter);
    });
  }

  #rulesOf({ kind }: Claim): Rules {
    const made = this.#rules[kind];
    if (made !== undefined) return made;
    const { policy, random } = this.#exchange;
    const rules = { policy, random, push: this.capabilities.push, runsJob: kind === "execute" };
    this.#rules[kind] = rules;
    return rules;
  }
}
