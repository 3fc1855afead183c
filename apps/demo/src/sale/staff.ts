import { randomUUID } from "node:crypto";
import { openLocking } from "../providers/open.ts";
import { runCheckout } from "./checkout.ts";
import { ONE_PROCESS, type Mishap, type SalePlan } from "./plan.ts";
import type { Shop } from "./shop.ts";

/** Those who run the checkouts of one sale. */
export interface Staff {
  /** Sells to the last buyer. */
  work(): Promise<void>;
  /** @returns why it can't be, or `null`: it befalls whoever holds the lock, or is the next to hold it. */
  strike(mishap: Mishap): string | null;
  /** Sends everybody home, also in the middle of a sale. */
  dismiss(): Promise<void>;
}

/** A new name for each sale, so that a lock left behind by a killed checkout is not in the next sale's way. */
export function keyOfSale(): string {
  return `prod_${randomUUID().slice(0, 8)}`;
}

/** All checkouts in this process, as loops that await. */
export async function staffHere(plan: SalePlan, shop: Shop): Promise<Staff> {
  const locking = plan.locks ? await openLocking(plan.provider, null) : null;
  const home = new AbortController();
  const key = keyOfSale();
  return {
    async work() {
      const checkouts = Array.from({ length: plan.checkouts }, (_, index) =>
        runCheckout({ checkout: index + 1, key, charge: plan.charge }, shop, locking, home.signal),
      );
      await Promise.all(checkouts);
    },
    strike: () => ONE_PROCESS,
    async dismiss() {
      home.abort();
      await locking?.close();
    },
  };
}
