import { isLockError, type LockingProvider, type ProviderCapabilities } from "@lock/core";
import type { Seen } from "./understatements.ts";

/** What a class does that its manifest does not say. */
export async function askClass(provider: LockingProvider, manifest: ProviderCapabilities): Promise<Seen> {
  const seen: Seen = {};
  if (!manifest.fencing && (await numbers(provider))) seen.fencing = "its grants carry tokens that increase";
  if (!manifest.limits && (await counts(provider)))
    seen.limits = "of a limit of 2 it let in two and no third";
  if (!manifest.inspect && (await shows(provider))) seen.inspect = "it has an inspect() that tells who holds";
  return seen;
}

async function counts(provider: LockingProvider): Promise<boolean> {
  const keys = ["limits"];
  const acquire = async (): Promise<boolean> => {
    try {
      await provider.acquire(keys, { limit: 2, expire: 5 });
      return true;
    } catch (error) {
      if (isLockError(error, "LOCK_NOT_ACQUIRED")) return false;
      throw error;
    }
  };
  return [await acquire(), await acquire(), await acquire()].join() === "true,true,false";
}

async function numbers(provider: LockingProvider): Promise<boolean> {
  const tokens: (bigint | undefined)[] = [];
  for (const key of ["fencing", "fencing", "fencing too"]) {
    const grant = await provider.acquire([key], { expire: 5 });
    tokens.push(grant?.fencingToken);
    await provider.release([key], {});
  }
  const [first, second, third] = tokens;
  return (
    first !== undefined && second !== undefined && third !== undefined && first < second && second < third
  );
}

async function shows(provider: LockingProvider): Promise<boolean> {
  if (provider.inspect === undefined) return false;
  await provider.acquire(["inspect"], { expire: 5 });
  const states = await provider.inspect(["inspect", "nobody's"]);
  return states.map((state) => state.holders.length).join() === "1,0";
}
