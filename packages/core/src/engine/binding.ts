import type { Claim, LockStore } from "../contract/lock-store.ts";
import type { Exchange } from "./exchange.ts";
import { Grant } from "./grant.ts";
import { unavailable } from "./refusals.ts";
import type { Residents } from "./residents.ts";

/**
 * Makes a grant live with its claim's transaction. It was granted like any other, so it has waited in the same queue; from here on nothing but the
 * end of the transaction frees it. Where that can't be had it is given back.
 */
export async function bindToTransaction(
  granted: Grant,
  claim: Claim,
  ownerId: string | null,
  signal: AbortSignal | undefined,
  { store, exchange, residents }: { store: LockStore; exchange: Exchange; residents: Residents },
): Promise<Grant> {
  const { id, keys, lease, transaction } = claim;
  try {
    await exchange.call(() => store.bind?.({ grantId: granted.id, keys, transaction }));
    signal?.throwIfAborted();
  } catch (error) {
    exchange.withdraw(claim, true, () => {});
    if (signal?.aborted) throw signal.reason;
    throw unavailable(residents.name, "binding to the transaction", keys, error);
  }
  const { token } = granted;
  const lasting = { grantId: id, token, since: exchange.clock.now(), remaining: Infinity, tombstone: false };
  return new Grant(residents, keys, ownerId, lasting, "bound", lease);
}
