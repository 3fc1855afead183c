import type { LockErrorCode } from "@lock/core";

/** What became of a purchase that came to an end inside the lock (or where the lock would be). */
export type Outcome =
  | "sold"
  | "sold-out"
  /** The store refused the write: a later grant has written already, so this checkout had lost the lock unawares. */
  | "stale";

interface Happening {
  /** Milliseconds since the shop opened, on one clock for all the processes. */
  readonly at: number;
  /** Which checkout, from 1. */
  readonly checkout: number;
}

interface PurchaseEvent extends Happening {
  readonly buyer: number;
}

/** Everything that the picture, the numbers and the tests are made of. */
export type SaleEvent =
  | (PurchaseEvent & { readonly kind: "waiting" })
  /** The lock is had; `token` is its fencing token, `null` where the sale runs without locks. */
  | (PurchaseEvent & { readonly kind: "holding"; readonly token: string | null })
  /** The last thing that is done while the lock is held. */
  | (PurchaseEvent & { readonly kind: "left"; readonly outcome: Outcome })
  /** The lock was not had, or was lost while it was held. */
  | (PurchaseEvent & {
      readonly kind: "failed";
      readonly code: LockErrorCode | null;
      readonly reason: string;
    })
  /** The process is gone, with the buyer it was serving. */
  | (Happening & { readonly kind: "died"; readonly buyer: number | null })
  /** The process is stopped, as a long pause for garbage collection or a suspended machine would. */
  | (Happening & { readonly kind: "frozen" })
  | (Happening & { readonly kind: "thawed" });
