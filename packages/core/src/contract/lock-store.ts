import type { ProviderCapabilities } from "./capabilities.ts";
import type { Logger } from "./logger.ts";

/** A value, or the promise of one. What a store can answer at once it may answer at once. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * A wish to hold some keys. Its `id` is made by the engine, is unique among all processes, and is the identity of the
 * grant that comes of it: asking again with the same id (after a lost reply, or to look whether the turn has come)
 * never takes twice.
 */
export interface Claim {
  /** Unique among all processes; at most 64 characters of `A–Z a–z 0–9 _ -`. */
  readonly id: string;
  /** At least one, no repeats, in the caller's order; well-formed, at most 1,024 bytes of UTF-8, no NUL. */
  readonly keys: readonly string[];
  /** Whose claim it is; `null`: a stranger, also to other claims without an owner. Always `null` for `execute`. */
  readonly ownerId: string | null;
  /** The locks of `execute` are not found by `release` by owner, nor by re-acquiring; only by their grant and `releaseAll`. */
  readonly kind: "execute" | "acquire";
  /** How many may hold each key at once: 1 exclusive, n permits, `Infinity` shared. */
  readonly limit: number;
  /** Milliseconds for which a grant is to last, by the backend's clock; `Infinity`: without end. */
  readonly lease: number;
  /** When its owner holds all the keys already: leave the expiry as it is instead of starting `lease` anew. */
  readonly keepLease: boolean;
  /** Whether it stands in the queue when it can't be granted now. `false`: answer `busy`, and queue nothing. */
  readonly wait: boolean;
  /**
   * The `sharedContext.transactionManager` that its grant is for: once granted, `bind` is called. Only where the manifest offers
   * `transactions`; such a claim has no owner. Absent for all others.
   */
  readonly transaction?: unknown;
}

/** A grant that is to live exactly as long as a transaction of the user's. */
export interface Binding {
  readonly grantId: string;
  readonly keys: readonly string[];
  readonly transaction: unknown;
}

/** What became of a claim. Being busy is a value; an exception or `failed` means that the backend could not say. */
export type TakeReply =
  | {
      readonly status: "granted";
      /**
       * The id of the claim that the grant stands under: the asking claim's own, or that of the earlier grant where
       * its owner held all the keys already and was granted again in place.
       */
      readonly grantId: string;
      /** The fencing token; `null` only where the manifest does not offer fencing. */
      readonly token: bigint | number | null;
      /** Milliseconds left of the lease by the backend's clock; `Infinity` where it has no end. */
      readonly remaining: number;
    }
  | {
      readonly status: "queued";
      /** Its place in the queue: constant while it keeps the place, a greater one whenever it had to queue again. */
      readonly ticket: number;
      /** Milliseconds until the first lease (or queue place) in its way ends; `Infinity` if none does. */
      readonly checkIn: number;
    }
  | {
      readonly status: "busy";
      /** An owner that is in the way, if one is known. */
      readonly ownerId: string | null;
      /** Milliseconds until the first lease in its way ends; `Infinity` if none does or none is known. */
      readonly freeIn: number;
    }
  /** The claim was withdrawn before this request arrived: its tombstone stands. Nothing was taken. */
  | { readonly status: "withdrawn" }
  /** This claim alone could not be answered; `error` is treated as if `take` had thrown it. */
  | { readonly status: "failed"; readonly error: unknown };

export interface Renewal {
  readonly grantId: string;
  readonly keys: readonly string[];
  /** Milliseconds from now, by the backend's clock; `Infinity`: without end. */
  readonly lease: number;
}

export type RenewReply =
  /** It lasts `remaining` milliseconds from now. */
  | { readonly status: "renewed"; readonly remaining: number }
  /** It is not held any more, on at least one of its keys. Nothing was changed. */
  | { readonly status: "lost" }
  | { readonly status: "failed"; readonly error: unknown };

export type Release =
  /** Free a grant, hand its keys on. `freed` tells whether it was held still, on every key. */
  | {
      readonly by: "grant";
      readonly grantId: string;
      readonly keys: readonly string[];
      /** A `take` of this id may still be on its way: leave a tombstone of a minute, so that it can't take for ever. */
      readonly tombstone: boolean;
    }
  /**
   * Withdraw a claim that nobody was told was granted: leave the queue, or give the late grant back. Frees only what
   * this claim added: keys that its owner held before go back to the grant they were held under. `freed` tells
   * whether there was anything, a queue place or a grant.
   */
  | {
      readonly by: "claim";
      readonly claimId: string;
      readonly keys: readonly string[];
      readonly tombstone: boolean;
    }
  /**
   * Free, of each key, what `acquire` gave this owner; `null`: what it gave to no owner. `freed` tells whether there was
   * something of *every* key. Never sent twice by the engine, since a repeat could free a newer grant.
   */
  | { readonly by: "owner"; readonly ownerId: string | null; readonly keys: readonly string[] };

export type ReleaseReply =
  | { readonly status: "released"; readonly freed: boolean }
  | { readonly status: "failed"; readonly error: unknown };

/** A holder of a key, as `inspect` shows it. */
export interface Holder {
  /** `null`: no owner, or a lock of `execute`. */
  readonly ownerId: string | null;
  /** `null` where the backend does not know it. */
  readonly fencingToken: bigint | null;
  readonly limit: number;
  /** Milliseconds, by the backend's clock; `Infinity` where there is no end. */
  readonly remaining: number;
}

/** Who holds a key and how many claims wait for it. */
export interface KeyState {
  readonly key: string;
  readonly holders: readonly Holder[];
  readonly waiting: number;
}

/** A grant that was handed to a waiter while nobody asked. */
export interface Handover {
  readonly claimId: string;
  /** The place it was handed to. One that the claim does not stand at any more is no grant, only a reason to ask. */
  readonly ticket: number;
  /** The id that the grant stands under, where its owner was granted again in place. Default: `claimId`. */
  readonly grantId?: string;
  readonly token: bigint | number | null;
  /** Milliseconds that the grant was given when it was handed over. */
  readonly remaining: number;
  /**
   * `true`: the grant has a short lease (at most `HANDOVER_LEASE`) until it is confirmed by `renew`, or by asking again,
   * so that one handed to a dead waiter ends soon. `false`: it is complete; only for a store in the same process,
   * whose hand-over is heard in the moment it happens.
   */
  readonly provisional: boolean;
}

/** What a store tells its engine. Any of it may be called from `connect` on, at any time, also from within a store's method. */
export interface StoreEvents {
  /** A claim's turn has come, and it holds. */
  granted(handover: Handover): void;
  /** Something changed for these claims: ask for them. */
  wake(claimIds: Iterable<string>): void;
  /** Wake-ups may have been missed (the channel was cut and is back): ask for every claim that waits. */
  wakeAll(): void;
  /** These grants are gone (their session ended, or they were freed from elsewhere). */
  lost(grantIds: Iterable<string>, cause?: unknown): void;
  /** All grants of this engine are gone. */
  lostAll(cause?: unknown): void;
}

export interface StoreContext {
  /** The id that the provider is registered under, without `lp_`: for log lines. */
  readonly id: string;
  readonly logger: Logger;
  readonly events: StoreEvents;
}

/** Milliseconds that a grant handed to a waiter lasts at most until the waiter confirms it. */
export const HANDOVER_LEASE = 8_000;
/** Milliseconds that a queue place lives after the claim was last asked for. The engine asks at least every 3 s. */
export const PLACE_LIFETIME = 6_000;
/** Milliseconds within which every waiter looks for itself, where the store pushes: what a lost wake-up costs at most. */
export const CHECK_INTERVAL = 3_000;
/** Milliseconds that the tombstone of a withdrawn claim stands. */
export const TOMBSTONE_LIFETIME = 60_000;

/**
 * The backend's part of a lock: a handful of atomic operations. The engine adds waiting, deadlines, renewal, the lost
 * signal and every check of arguments.
 *
 * `take`, `renew` and `release` get several requests at once (those of one tick, at most `batch`), and answer each in the
 * same order. Each request is atomic by itself, over all of its keys; a refusal of one never touches another.
 *
 * **Rules of a grant.** A claim fits when, for each of its keys, nobody else stands earlier in that key's queue and
 * nobody holds it, or every holder has the *same* limit and there are fewer than that. Keys that its own owner holds
 * with the same limit count as had: if that is all of them, under one grant, it is granted again in place (same grant,
 * same token, expiry anew for these keys); otherwise it queues only for what it lacks, and once that is had all become
 * one new grant with a new token. An expired grant counts as gone without anyone cleaning up. Whatever frees a key or a
 * queue place (release, withdrawal, `releaseAll`, a look at an expired lease) hands over in the same atomic step, to
 * the first that fit. What an owner's waiter is granted, its other waiters that want no more than that are granted in place: `wake` them,
 * wherever they stand.
 *
 * **Leases that end early.** A waiter asks again when the first lease in its way ends, as far as it knows. Where a hand-over,
 * a renewal or granting again starts a lease that ends within `CHECK_INTERVAL`, and sooner than what it replaces, `wake` the
 * first waiter of the key that lacks it, so that it learns of it, and where that one leaves the queue before, the next: a lease that ends
 * with nobody there to release it passes on within 1 s.
 *
 * **Failures.** Throw a `LockError` to end the call with it: the backend answered and refused (out of memory, a missing
 * table; say what to do). Anything else that is thrown is taken for a failure to reach the backend: the engine asks again
 * where that is safe and reports `LOCK_UNAVAILABLE` with it as the cause when time is up. The engine bounds every call in time
 * and may ask again while an earlier request is still under way, so each must be safe to arrive late.
 */
export interface LockStore {
  /** Final once `connect` has resolved. */
  readonly capabilities: ProviderCapabilities;
  /** The most requests that one call may carry. Default: 100. `1`: requests are sent singly and at once. */
  readonly batch?: number;
  /** Opens what the store needs. Until then no other method is called, except `close`. After a failure it may be called again. */
  connect?(context: StoreContext): Awaitable<void>;
  take(claims: readonly Claim[]): Awaitable<readonly TakeReply[]>;
  renew(renewals: readonly Renewal[]): Awaitable<readonly RenewReply[]>;
  release(releases: readonly Release[]): Awaitable<readonly ReleaseReply[]>;
  /** Frees every lock of `ownerId`; `null`: every lock in the namespace, those of `execute` included. Costs what it frees. */
  releaseAll(ownerId: string | null): Awaitable<void>;
  /**
   * Makes a grant live exactly as long as the transaction: from then on it needs no renewal, and nothing but the end of the transaction (or
   * `releaseAll(null)`) frees it. Called once for each grant of a claim with a `transaction`, within its lease. Where it throws, the
   * claim is withdrawn. Required where the manifest offers `transactions`.
   */
  bind?(binding: Binding): Awaitable<void>;
  /** In the order of the keys. Required where the manifest offers `inspect`. */
  inspect?(keys: readonly string[]): Awaitable<readonly KeyState[]>;
  /** Closes what `connect` opened and nothing that was handed in. May be called at any time, also twice. */
  close?(): Awaitable<void>;
}
