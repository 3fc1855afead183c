/**
 * What a provider declares of itself: its manifest. Final once the provider is connected.
 *
 * The service refuses with `LOCK_UNSUPPORTED` what a manifest does not offer, and the conformance suite
 * skips by the manifest alone, so a claim made here is a claim that is tested.
 */
export interface ProviderCapabilities {
  /** `"process"`: excludes within this process only. `"shared"`: between all processes that use the same backend. */
  readonly scope: "process" | "shared";
  /** Every grant carries a token strictly greater than that of every earlier grant of any of its keys. */
  readonly fencing: boolean;
  /** Shared locks and semaphores: a `limit` other than 1. */
  readonly limits: boolean;
  /** First come, first served, between processes too where `scope` is `"shared"`. */
  readonly fifo: boolean;
  /** A release wakes the next waiter without polling. */
  readonly push: boolean;
  /** `inspect(keys)` tells who holds what. */
  readonly inspect: boolean;
  /** `sharedContext.transactionManager` makes a lock live exactly as long as that transaction. */
  readonly transactions: boolean;
  /**
   * What frees an `execute` lock whose process died.
   *
   * - `"never"`: nothing does; the lock dies with the process itself or stays.
   * - `"lease"`: its lease ends. A holder that was stopped past its lease is told `LOCK_LOST`.
   * - `"session"`: the connection it lives with ends, within 1 s. A stopped process keeps its locks.
   */
  readonly crashRelease: "never" | "lease" | "session";
}
