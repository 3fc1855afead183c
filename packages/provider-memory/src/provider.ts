import { defineProvider, type Provider, type ProviderSettings } from "@lock/core";
import { MemoryStore } from "./store.ts";

/** The settings of the memory provider. */
export interface MemoryProviderOptions extends Pick<ProviderSettings, "waitLockingTimeout"> {}

/**
 * Locks within this process: the default provider, and the reference for the others. Each call makes a world of its
 * own. A job's lock needs no lease here, since it dies with the process that runs the job.
 *
 * @throws {LockError} `LOCK_INVALID_ARGUMENT` for a `waitLockingTimeout` that is no duration.
 */
export function memoryProvider(options: MemoryProviderOptions = {}): Provider {
  return defineProvider({ ...options, identifier: "in-memory", store: new MemoryStore() });
}
