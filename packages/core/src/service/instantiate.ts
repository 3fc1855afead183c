import { isLockError, LockError } from "../contract/errors.ts";
import type { LockingProvider, LockingProviderClass } from "../contract/locking-provider.ts";
import type { Logger } from "../contract/logger.ts";
import type { Provider } from "../contract/provider.ts";
import type { ProviderEntry } from "./create-locking.ts";
import { HandwrittenProvider } from "./handwritten.ts";
import { importDefault } from "./resolve.ts";

const methods = ["acquire", "execute", "release", "releaseAll"] as const;

/** Makes the provider that an entry describes. */
export async function instantiate(
  entry: ProviderEntry,
  logger: Logger,
  resolveFrom: string | URL,
): Promise<{ id: string; provider: Provider }> {
  const { resolve, options } = entry;
  const named = typeof resolve === "string";
  const resolved: unknown = named ? await importDefault(resolve, resolveFrom) : resolve;
  const provider = make(resolved, options, logger, named ? `"${resolve}"` : "resolve");
  const id = entry.id ?? provider.identifier;
  if (typeof id !== "string" || id === "") throw config("The id of a provider must be a non-empty string");
  return { id, provider };
}

/** Whether it is a ready provider, as `defineProvider` makes them. */
export function isProvider(value: unknown): value is Provider {
  if (typeof value !== "object" || value === null) return false;
  const { identifier, connect } = value as Partial<Provider>;
  return typeof identifier === "string" && typeof connect === "function" && hasMethods(value);
}

function make(resolved: unknown, options: unknown, logger: Logger, what: string): Provider {
  if (isProvider(resolved)) return resolved;
  if (typeof resolved !== "function") {
    throw config(`${what} must give a provider class or a factory; it gives ${typeof resolved}`);
  }
  try {
    // Methods may be members of the instance instead.
    if (hasMethods(resolved.prototype) || "identifier" in resolved) {
      return construct(resolved as unknown as LockingProviderClass, options, logger);
    }
    const made: unknown = (resolved as (options: unknown) => unknown)(options);
    if (isProvider(made)) return made;
  } catch (cause) {
    if (isLockError(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LockError("LOCK_CONFIG", `${what} failed to make a provider: ${why}`, { cause });
  }
  throw config(
    `${what} must give a provider class (a static identifier and the methods ${methods.join(", ")}) or a factory that returns a provider`,
  );
}

function construct(constructor: LockingProviderClass, options: unknown, logger: Logger): Provider {
  const { identifier } = constructor;
  if (typeof identifier !== "string" || identifier === "") {
    throw config(`The provider class ${constructor.name} needs a static identifier, a non-empty string`);
  }
  const instance: LockingProvider = new constructor({ logger }, (options ?? {}) as never);
  if (hasMethods(instance)) return new HandwrittenProvider(identifier, instance, logger);
  throw config(`The provider class ${constructor.name} needs the methods ${methods.join(", ")}`);
}

function hasMethods(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((method) => typeof (value as Record<string, unknown>)[method] === "function");
}

function config(message: string): LockError {
  return new LockError("LOCK_CONFIG", message);
}
