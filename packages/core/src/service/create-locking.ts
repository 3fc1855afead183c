import { LockError } from "../contract/errors.ts";
import type { LockingProviderClass } from "../contract/locking-provider.ts";
import type { Locking } from "../contract/locking.ts";
import type { Logger } from "../contract/logger.ts";
import type { Provider } from "../contract/provider.ts";
import { consoleLogger } from "./console-logger.ts";
import { Registry } from "./registry.ts";
import { LockingService } from "./service.ts";

/** A provider by name, with its options: imported only when it is registered. */
export interface ProviderEntry {
  /**
   * A provider class, a factory, or the name of a package or file whose default export is one of these. Names resolve
   * from the application (`resolveFrom`).
   */
  readonly resolve: string | ((options: never) => Provider) | LockingProviderClass | Provider;
  /** It is registered as `lp_{id}`. Default: its `identifier`. Two of one kind need two ids. */
  readonly id?: string | undefined;
  /** Whether it is the default provider. At most one may be. Default: `false`. */
  readonly isDefault?: boolean | undefined;
  /** The same as `isDefault`, as Medusa's Locking Module spells it. */
  readonly is_default?: boolean | undefined;
  /** What the factory or class is given. */
  readonly options?: unknown;
}

/** A ready provider, or an entry that names one. */
export type ProviderRegistration = Provider | ProviderEntry;

export interface CreateLockingOptions {
  /**
   * What holds the locks. None: in memory (`lp_in-memory`). One: that is the default. Several: the one marked
   * `isDefault`, or in memory if none is. Default: none.
   */
  readonly providers?: readonly ProviderRegistration[] | undefined;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger | undefined;
  /** Where names in `resolve` resolve from: a file URL or a folder. Default: the working directory. */
  readonly resolveFrom?: string | URL | undefined;
  /** Connect a provider at its first use instead of now. Default: `false`. */
  readonly lazy?: boolean | undefined;
}

/**
 * Makes the service: registers the providers and connects them.
 *
 * @throws {LockError} `LOCK_CONFIG` for a second default, a duplicate id, or a provider that isn't installed; `LOCK_UNAVAILABLE` within 10 s when a
 * backend can't be reached, having closed what it opened.
 */
export async function createLocking(options: CreateLockingOptions = {}): Promise<Locking> {
  const { providers = [], logger = consoleLogger, resolveFrom = process.cwd(), lazy = false } = options;
  if (!Array.isArray(providers)) throw new LockError("LOCK_CONFIG", "providers must be an array");
  const levels = ["debug", "info", "warn", "error"] as const;
  if (!levels.every((level) => typeof logger?.[level] === "function")) {
    throw new LockError("LOCK_CONFIG", `logger must have the methods ${levels.join(", ")}`);
  }
  const registry = await Registry.of(providers, logger, resolveFrom);
  if (!lazy) await registry.connectAll();
  registry.announce();
  return new LockingService(registry, logger);
}
