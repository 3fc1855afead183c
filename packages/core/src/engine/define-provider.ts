import { parseDuration, type Duration } from "../arguments/duration.ts";
import { LockError } from "../contract/errors.ts";
import type { LockStore } from "../contract/lock-store.ts";
import type { Provider } from "../contract/provider.ts";
import type { Clock } from "./clock.ts";
import { Engine } from "./engine.ts";
import { defaultPolicy } from "./policy.ts";

/** The settings that every provider built on a store shares. */
export interface ProviderSettings {
  /** How long a call waits that names no `timeout`. Default: 5 s. */
  readonly waitLockingTimeout?: Duration | undefined;
  /** How long a dead process can block others: the lease of `execute` where it names no `expire`. Default: 30 s. */
  readonly lease?: Duration | undefined;
  /** How long the backend may take to answer one request before that counts as failed. Default: 5 s. */
  readonly callTimeout?: Duration | undefined;
  /**
   * The first pause between two tries of a waiter where the store does not push. A bare number is **milliseconds**
   * here, as in Medusa's Locking Module. Default: 5 ms.
   */
  readonly defaultRetryInterval?: Duration | undefined;
  /** The longest pause between two such tries. A bare number is **milliseconds** here. Default: 200 ms. */
  readonly maximumRetryInterval?: Duration | undefined;
}

export interface ProviderDefinition extends ProviderSettings {
  /** What it is registered as when the configuration names no `id`: `lp_{identifier}`. */
  readonly identifier: string;
  /** The backend's part. It belongs to this provider alone from now on. */
  readonly store: LockStore;
  /** What the engine takes for time. Default: the process's monotonic clock and its timers. Tests bring their own. */
  readonly clock?: Clock | undefined;
  /** Where its pauses get their share of chance: a number from 0 up to 1. Default: `Math.random`. Tests bring their own. */
  readonly random?: (() => number) | undefined;
}

const methods = ["take", "renew", "release", "releaseAll"] as const;

/**
 * Makes a provider of a store.
 *
 * @throws {LockError} `LOCK_CONFIG` without an identifier or a store; `LOCK_INVALID_ARGUMENT` for durations.
 */
export function defineProvider(definition: ProviderDefinition): Provider {
  const { identifier, store, clock, random } = definition;
  if (typeof identifier !== "string" || identifier === "") {
    throw new LockError("LOCK_CONFIG", "defineProvider needs an identifier, a non-empty string");
  }
  if (!methods.every((method) => typeof store?.[method] === "function")) {
    throw new LockError(
      "LOCK_CONFIG",
      `The provider "${identifier}" needs a store with the methods of LockStore: ${methods.join(", ")}`,
    );
  }
  const { batch } = store;
  if (batch !== undefined && !(Number.isSafeInteger(batch) && batch >= 1)) {
    throw new LockError(
      "LOCK_CONFIG",
      `The store of "${identifier}" must have a whole number from 1 up as its batch`,
    );
  }
  const policy = { ...defaultPolicy };
  const { waitLockingTimeout, lease, callTimeout, defaultRetryInterval, maximumRetryInterval } = definition;
  if (waitLockingTimeout !== undefined) {
    policy.waitTimeout = parseDuration(waitLockingTimeout, "waitLockingTimeout");
  }
  if (lease !== undefined) policy.lease = positive(parseDuration(lease, "lease"), "lease");
  if (callTimeout !== undefined)
    policy.callTimeout = positive(parseDuration(callTimeout, "callTimeout"), "callTimeout");
  if (defaultRetryInterval !== undefined)
    policy.firstPause = pause(defaultRetryInterval, "defaultRetryInterval");
  if (maximumRetryInterval !== undefined)
    policy.longestPause = pause(maximumRetryInterval, "maximumRetryInterval");
  return new Engine(identifier, store, policy, clock, random);
}

function pause(value: Duration, name: string): number {
  return positive(parseDuration(typeof value === "number" ? value / 1_000 : value, name), name);
}

function positive(milliseconds: number, name: string): number {
  if (milliseconds > 0) return milliseconds;
  throw new LockError("LOCK_INVALID_ARGUMENT", `${name} must be longer than 0`);
}
