import type { Claim, LockStore } from "../contract/lock-store.ts";
import type { Exchange } from "./exchange.ts";
import { Grant } from "./grant.ts";
import { closed, unavailable } from "./refusals.ts";
import type { Residents } from "./residents.ts";

interface BindingParts {
  readonly store: LockStore;
  readonly exchange: Exchange;
  readonly residents: Residents;
  /** Whether the engine has begun to close. */
  isClosing(): boolean;
}

/**
 * Makes a grant live with its claim's transaction. It was granted like any other, so it has waited in the same queue; from here on nothing but the
 * end of the transaction frees it. Where that can't be had it is given back.
 */
export async function bindToTransaction(
  granted: Grant,
  claim: Claim,
  ownerId: string | null,
  signal: AbortSignal | undefined,
  { store, exchange, residents, isClosing }: BindingParts,
): Promise<Grant> {
  const { id, keys, lease, transaction } = claim;
  try {
    await exchange.call(() => store.bind?.({ grantId: granted.id, keys, transaction }));
    signal?.throwIfAborted();
    // No job ran yet, so close did not wait for one: one that began now would never hear of it.
    if (isClosing()) throw closed(residents.name, keys);
  } catch (error) {
    exchange.withdraw(claim, true, () => {});
    if (signal?.aborted) throw signal.reason;
    throw unavailable(residents.name, "binding to the transaction", keys, error);
  }
  const { token } = granted;
  const lasting = { grantId: id, token, since: exchange.clock.now(), remaining: Infinity, tombstone: false };
  return new Grant(residents, keys, ownerId, lasting, "bound", lease);
}
