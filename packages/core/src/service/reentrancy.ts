import { AsyncLocalStorage } from "node:async_hooks";
import { LockError } from "../contract/errors.ts";
import type { Lock } from "../contract/lock.ts";
import type { Awaitable } from "../contract/lock-store.ts";
import type { Provider } from "../contract/provider.ts";
import { nameKeys } from "../engine/refusals.ts";

/** A job, as the calls made in it and in what it set off see it around them. */
interface Enclosure {
  readonly provider: Provider;
  readonly lock: Lock;
  /** The nearest one around it that was not over when this was last looked at. */
  outer: Enclosure | undefined;
}

const enclosures = new AsyncLocalStorage<Enclosure>();

/**
 * Refuses to wait for oneself.
 *
 * @throws {LockError} `LOCK_REENTRANT` when a job around this call still holds one of the keys through this provider.
 */
export function refuseReentrance(provider: Provider, keys: readonly string[]): void {
  refuse(enclosures.getStore(), provider, keys);
}

/**
 * The job, so that calls made in it can be told from others.
 *
 * @throws {LockError} `LOCK_REENTRANT`, as above.
 */
export function enclose<T>(
  provider: Provider,
  keys: readonly string[],
  job: (lock: Lock) => Awaitable<T>,
): (lock: Lock) => Awaitable<T> {
  const outer = nearest(enclosures.getStore());
  // What is over is left out: jobs that outlive the one around them and go on locking would make an endless chain.
  for (let each = outer; each !== undefined; each = each.outer) each.outer = nearest(each.outer);
  refuse(outer, provider, keys);
  return (lock) => enclosures.run({ provider, lock, outer }, job, lock);
}

function refuse(innermost: Enclosure | undefined, provider: Provider, keys: readonly string[]): void {
  for (let around = innermost; around !== undefined; around = around.outer) {
    if (around.provider !== provider || isOver(around)) continue;
    const { lock } = around;
    const held = keys.find((key) => lock.keys.includes(key));
    if (held === undefined) continue;
    throw new LockError(
      "LOCK_REENTRANT",
      `This call would wait for itself: an enclosing execute holds ${nameKeys([held])}. Take all keys in the outer call, or pass the outer lock on`,
      { keys },
    );
  }
}

/** The first, from here outwards, that is not over. */
function nearest(enclosure: Enclosure | undefined): Enclosure | undefined {
  let around = enclosure;
  while (around !== undefined && isOver(around)) around = around.outer;
  return around;
}

/** Whether its job is done, or its lock was released early or lost: then nobody waits for it in vain. */
function isOver({ lock }: Enclosure): boolean {
  return lock.remaining() === 0;
}
