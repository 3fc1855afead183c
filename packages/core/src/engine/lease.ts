import { TOMBSTONE_LIFETIME } from "../contract/lock-store.ts";
import { pauseAfter } from "./pause.ts";

/**
 * The second half of a claim's life: how long a grant is certain, and when it is to be renewed. Pure. Time counts
 * from when the last confirmed request was *sent*: the backend started the lease later than that, so by our own monotonic clock the
 * lock is over before it is over there.
 */
export interface Lease {
  /** Milliseconds that each renewal asks for. */
  readonly length: number;
  /** From here on the lock is lost; `Infinity` where it does not end by itself. */
  readonly deadline: number;
  /** When to ask for more. */
  readonly renewAt: number;
  /** Failed renewals since the last that succeeded. */
  readonly failures: number;
  /** The shortest lease that was asked for and never answered: until then it may arrive, and cut short what was confirmed since. */
  readonly stray: { readonly length: number; readonly until: number } | null;
}

/** One that does not end by itself. It is never renewed, so that neither its length nor its beginning matters: one serves all. */
const endless: Lease = {
  length: Infinity,
  deadline: Infinity,
  renewAt: Infinity,
  failures: 0,
  stray: null,
};

/**
 * A lease of which `remaining` milliseconds were confirmed by a request sent at `since`. It is renewed after about a third of
 * them, on a grid of time that all leases of that length share, so that their renewals travel together.
 */
export function leaseFrom(since: number, remaining: number, length: number): Lease {
  if (remaining === Infinity) return endless;
  const grid = remaining / 12;
  const renewAt = grid > 0 ? Math.floor((since + remaining / 3) / grid) * grid : since + remaining;
  return { length, deadline: since + remaining, renewAt, failures: 0, stray: null };
}

/** A lease of this length is asked for. A shorter one counts at once: whether it was carried out is known later, if ever. */
export function askedFor(lease: Lease, now: number, length: number): Lease {
  const deadline = now + length;
  return deadline < lease.deadline ? { ...lease, deadline } : lease;
}

/** The request sent at `sentAt` for a lease of this length was answered. */
export function confirmed(lease: Lease, sentAt: number, remaining: number, length: number): Lease {
  return {
    ...leaseFrom(sentAt, Math.min(remaining, shortestStray(lease, sentAt)), length),
    stray: lease.stray,
  };
}

/** The request for a lease of this length was not answered, and may be carried out at any time within the next minute. */
export function unanswered(lease: Lease, now: number, length: number): Lease {
  const shortest = Math.min(length, shortestStray(lease, now));
  return { ...lease, stray: { length: shortest, until: now + TOMBSTONE_LIFETIME } };
}

function shortestStray({ stray }: Lease, now: number): number {
  return stray !== null && now < stray.until ? stray.length : Infinity;
}

/** A renewal failed; it is tried again soon, a few times before the deadline. */
export function renewalFailed(lease: Lease, now: number, random: number): Lease {
  const failures = lease.failures + 1;
  const pause = pauseAfter(failures, 25, Math.max(25, lease.length / 10), random);
  return { ...lease, failures, renewAt: now + pause };
}
