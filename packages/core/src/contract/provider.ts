import type { ProviderCapabilities } from "./capabilities.ts";
import type { Lock } from "./lock.ts";
import type { Awaitable, KeyState } from "./lock-store.ts";
import type { Logger } from "./logger.ts";
import type { SharedContext } from "./shared-context.ts";

/** Checked arguments, in milliseconds. `undefined` is the provider's default. */
export interface CleanExecuteArgs {
  readonly timeout: number | undefined;
  /** 0 is none. */
  readonly expire: number | undefined;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

export interface CleanAcquireArgs extends CleanExecuteArgs {
  readonly ownerId: string | null;
  readonly awaitQueue: boolean;
}

/** What a provider learns when the service connects it. */
export interface ConnectContext {
  /** The id it is registered under, without `lp_`. */
  readonly id: string;
  readonly logger: Logger;
}

/**
 * A ready provider, as `defineProvider` and the factories of the provider packages make it, and as the service uses it:
 * every argument is checked already. To write one, write a `LockStore` or a `LockingProvider` class instead.
 */
export interface Provider {
  readonly identifier: string;
  /** Final once connected. */
  readonly capabilities: ProviderCapabilities;
  connect(context: ConnectContext): Promise<void>;
  execute<T>(
    keys: readonly string[],
    job: (lock: Lock) => Awaitable<T>,
    args: CleanExecuteArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<T>;
  acquire(
    keys: readonly string[],
    args: CleanAcquireArgs,
    sharedContext: SharedContext | undefined,
  ): Promise<Lock>;
  release(
    keys: readonly string[],
    ownerId: string | null,
    sharedContext: SharedContext | undefined,
  ): Promise<boolean>;
  /** `null`: everything in the namespace. */
  releaseAll(ownerId: string | null, sharedContext: SharedContext | undefined): Promise<void>;
  inspect(keys: readonly string[]): Promise<readonly KeyState[]>;
  /** `drain` in milliseconds. */
  close(drain: number): Promise<void>;
}
