import type { ProviderCapabilities } from "./capabilities.ts";
import type { Awaitable, KeyState } from "./lock-store.ts";
import type { Logger } from "./logger.ts";
import type { SharedContext } from "./shared-context.ts";

/** What a provider class is constructed with, beside its options. */
export interface ProviderDependencies {
  readonly logger: Logger;
}

/** Arguments as a provider class gets them: checked, durations in seconds, absent where the user gave none. */
export interface ProviderExecuteArgs {
  /** Seconds to wait for the lock, or `Infinity`; absent: the provider's default; 0: one try. */
  readonly timeout?: number;
  /** Seconds of the lease that bounds how long a dead process blocks others. */
  readonly expire?: number;
  readonly limit?: number;
  /** Aborts when nobody waits for the lock any more: the caller's signal did, or the service closes. */
  readonly signal?: AbortSignal;
}

export interface ProviderAcquireArgs extends ProviderExecuteArgs {
  readonly ownerId?: string | null;
  readonly awaitQueue?: boolean;
}

export interface ProviderReleaseArgs {
  readonly ownerId?: string | null;
}

/** What a provider class may hand back of a grant. A token is read only where its manifest declares `fencing`. */
export interface ProviderGrant {
  readonly fencingToken?: bigint | undefined;
  /** Aborts when the provider learns that the lock is lost: `lock.signal` then aborts, and `execute` rejects with `LOCK_LOST`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A provider written by hand: a class with a static `identifier`, `constructor({ logger }, options)` and these four
 * methods. Where you can, write a `LockStore` for `defineProvider` instead: waiting, deadlines, renewal and the lost signal are
 * then core's.
 *
 * Refuse with `LockError`s: `LOCK_NOT_ACQUIRED` when the lock is held and the call does not wait, `LOCK_TIMEOUT` when it
 * waited its time. Anything else that is thrown is reported as `LOCK_UNAVAILABLE`, except what the job throws.
 */
export interface LockingProvider {
  /** Default: nothing beyond `scope: "process"`. What it does not offer is refused before it is asked. */
  readonly capabilities?: Partial<ProviderCapabilities>;
  execute<T>(
    keys: readonly string[],
    job: (grant?: ProviderGrant) => Promise<T>,
    args: ProviderExecuteArgs,
    sharedContext?: SharedContext,
  ): Promise<T>;
  acquire(
    keys: readonly string[],
    args: ProviderAcquireArgs,
    sharedContext?: SharedContext,
  ): Promise<ProviderGrant | void>;
  /** `true` only if something of every key was freed. */
  release(
    keys: readonly string[],
    args: ProviderReleaseArgs,
    sharedContext?: SharedContext,
  ): Promise<boolean>;
  releaseAll(args: ProviderReleaseArgs, sharedContext?: SharedContext): Promise<void>;
  /** Required where the manifest declares `inspect`. */
  inspect?(keys: readonly string[]): Promise<readonly KeyState[]>;
  /** Opens connections. Called once before the first use. */
  connect?(): Awaitable<void>;
  /** Closes what it opened. */
  close?(): Awaitable<void>;
}

/** The class of a provider written by hand. */
export interface LockingProviderClass<Options = never> {
  /** What it is registered as when the configuration names no `id`: `lp_{identifier}`. */
  readonly identifier: string;
  new (dependencies: ProviderDependencies, options: Options): LockingProvider;
}
