import type { ProviderExecuteArgs } from "../contract/locking-provider.ts";
import type { CleanExecuteArgs } from "../contract/provider.ts";

/** Checked arguments as a provider class gets them: in seconds, absent where the user gave none. */
export function seconds(
  { timeout, expire, limit }: CleanExecuteArgs,
  signal: AbortSignal | undefined,
): ProviderExecuteArgs {
  return {
    limit,
    ...(signal !== undefined && { signal }),
    ...(timeout !== undefined && { timeout: timeout / 1_000 }),
    ...(expire !== undefined && { expire: expire / 1_000 }),
  };
}
