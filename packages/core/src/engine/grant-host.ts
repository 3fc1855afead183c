import type { LockError } from "../contract/errors.ts";
import type { Awaitable, Release, Renewal, RenewReply } from "../contract/lock-store.ts";
import type { Agenda } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type { Freed } from "./exchange.ts";
import type { Grant } from "./grant.ts";
import type { Receiver } from "./outbox.ts";

type Answered<Reply> = Exclude<Reply, { readonly status: "failed" }>;

/** What a grant needs of its engine. */
export interface GrantHost {
  /** What messages call the provider. */
  readonly name: string;
  readonly clock: Clock;
  /** Deadlines and renewals; it does not keep the process up. */
  readonly leases: Agenda;
  readonly fencing: boolean;
  /** The lease of a job that asked for none. */
  readonly defaultLease: number;
  /** The store is closed: nothing can be asked any more. */
  readonly closed: boolean;
  random(): number;
  renew(renewal: Renewal, receiver: Receiver<Answered<RenewReply>>): void;
  free(release: Release): Awaitable<Freed>;
  /** Sees to it that a claim takes nothing any more. */
  bury(claimId: string, keys: readonly string[]): void;
  /** A job runs under it from now on. */
  run(grant: Grant): void;
  /** The job has settled, and it is given back. */
  leave(grant: Grant): void;
  /** Exclusivity can't be assumed any more. */
  grantLost(grant: Grant, error: LockError): void;
}
