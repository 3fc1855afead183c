import type { Claim, Handover } from "@lock/core";

/** Where a process hears what the backend tells unasked. */
export interface Mailbox {
  granted(handover: Handover): void;
  wake(claimId: string): void;
  lost(grantId: string): void;
}

/** A grant, over all of its keys. */
export interface ModelGrant {
  readonly id: string;
  readonly token: number;
  readonly kind: Claim["kind"];
  readonly ownerId: string | null;
  readonly limit: number;
  readonly mailbox: Mailbox;
  /** When it was given, by the backend's clock. */
  readonly since: number;
  /**
   * It was freed, superseded or shortened by another call than the ones that hold it: those learn of it late or never, as
   * the contract has it.
   */
  meddled: boolean;
  /** It was granted in place to another claim of its owner as well, whose handle knows it by its id. */
  joined: boolean;
}

/** One key as one grant holds it. */
export interface Holding {
  readonly key: string;
  readonly grant: ModelGrant;
  /** The claims that it was given to: the grant's own, and those granted in place. It stays until all of them are withdrawn. */
  readonly claims: Set<string>;
  /** By the backend's clock; `Infinity`: never. */
  endsAt: number;
  /** Handed over, and not confirmed yet. */
  provisional: boolean;
  /** What the owner held of this key before: it comes back if this grant is withdrawn. */
  before: Holding | null;
}

/** A claim that waits. */
export interface Place {
  readonly claim: Claim;
  readonly ticket: number;
  readonly mailbox: Mailbox;
  livesUntil: number;
  /** When it will ask, as far as leases go: the first end in its way that it was told of. */
  knowsOf: number;
  /** Since when its owner has held all its keys already, so that it need only ask. */
  wokenAt: number | null;
}
