import { setTimeout as pause } from "node:timers/promises";
import { isLockError, type Locking } from "@lock/core";
import { now } from "./clock.ts";
import type { Outcome } from "./event.ts";
import type { Shop } from "./shop.ts";

/** The lease: how long a killed checkout can keep the others waiting. Short, so that one can watch it run out. */
const LEASE = "2s";

export interface CheckoutOrders {
  readonly checkout: number;
  /** What to lock. */
  readonly key: string;
  /** Milliseconds that charging a card takes, give or take a third. */
  readonly charge: number;
}

/** Serves one buyer after the other until there are none left. */
export async function runCheckout(
  orders: CheckoutOrders,
  shop: Shop,
  /** `null`: sell without a lock. */
  locking: Locking | null,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    // Buyers don't step up in lockstep.
    await pause(Math.random() * 0.4 * orders.charge);
    const buyer = signal?.aborted ? null : await shop.nextBuyer();
    if (buyer === null) return;
    await serve(buyer, orders, shop, locking, signal);
  }
}

async function serve(
  buyer: number,
  { checkout, key, charge }: CheckoutOrders,
  shop: Shop,
  locking: Locking | null,
  signal: AbortSignal | undefined,
): Promise<void> {
  const purchase = async (token: bigint | null): Promise<void> => {
    shop.report({
      kind: "holding",
      at: now(),
      checkout,
      buyer,
      token: token === null ? null : String(token),
    });
    const left = await shop.read();
    let outcome: Outcome = "sold-out";
    if (left > 0) {
      await chargeCard(charge);
      outcome = (await shop.write({ left: left - 1, buyer, token })) ? "sold" : "stale";
    }
    shop.report({ kind: "left", at: now(), checkout, buyer, outcome });
  };

  shop.report({ kind: "waiting", at: now(), checkout, buyer });
  try {
    if (locking === null) await purchase(null);
    else {
      await locking.execute(key, (lock) => purchase(lock.fencingToken), {
        expire: LEASE,
        timeout: "60s",
        signal,
      });
    }
  } catch (error) {
    if (signal?.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    shop.report({
      kind: "failed",
      at: now(),
      checkout,
      buyer,
      code: isLockError(error) ? error.code : null,
      reason,
    });
  }
}

async function chargeCard(charge: number): Promise<void> {
  await pause(charge * (2 / 3 + Math.random() * (2 / 3)));
}
