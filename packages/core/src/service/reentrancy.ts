import { AsyncLocalStorage } from "node:async_hooks";
import { LockError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import type { Provider } from "../contract/provider.ts";
import { nameKeys } from "../engine/refusals.ts";

/** A job that runs, as the calls it makes see it around them. */
interface Enclosure {
  readonly provider: Provider;
  readonly lock: Lock;
  /** The call that the job of this one was made in. */
  readonly outer: Enclosure | undefined;
  running: boolean;
}

const enclosures = new AsyncLocalStorage<Enclosure>();

/**
 * Refuses to wait for oneself.
 *
 * @throws {LockError} `LOCK_REENTRANT` when a job around this call still holds one of the keys through this provider.
 */
export function refuseReentrance(provider: Provider, keys: readonly string[]): void {
  for (let around = enclosures.getStore(); around !== undefined; around = around.outer) {
    if (!around.running || around.provider !== provider) continue;
    const { lock } = around;
    const held = keys.find((key) => lock.keys.includes(key));
    // A lock that was released early, or lost, would not be waited for in vain.
    if (held === undefined || lock.remaining() === 0) continue;
    throw new LockError(
      "LOCK_REENTRANT",
      `This call would wait for itself: an enclosing execute holds ${nameKeys([held])}. Take all keys in the outer call, or pass the outer lock on`,
      { keys },
    );
  }
}

/** The job, so that calls made within it can be told from others. */
export function enclose<T>(
  provider: Provider,
  job: (lock: Lock) => Awaitable<T>,
): (lock: Lock) => Promise<T> {
  return async (lock) => {
    const enclosure: Enclosure = { provider, lock, outer: enclosures.getStore(), running: true };
    try {
      return await enclosures.run(enclosure, job, lock);
    } finally {
      enclosure.running = false;
    }
  };
}
