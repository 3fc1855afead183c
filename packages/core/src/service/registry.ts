import { LockError } from "../contract/errors.ts";
import type { Logger } from "../contract/logger.ts";
import type { Provider } from "../contract/provider.ts";
import type { ProviderEntry, ProviderRegistration } from "./create-locking.ts";
import { instantiate, isProvider } from "./instantiate.ts";
import { Registered } from "./registered.ts";
import { importDefault } from "./resolve.ts";

const IN_MEMORY = "in-memory";
const IN_MEMORY_PACKAGE = "@lock/provider-memory";

// A provider belongs to one service: both would close it, and it could tell neither's events from the other's.
const taken = new WeakSet<Provider>();

/** The registered providers and which of them is the default. */
export class Registry {
  readonly #providers: ReadonlyMap<string, Registered>;
  readonly #logger: Logger;
  readonly #default: Registered;
  readonly #fellBack: boolean;

  private constructor(
    providers: ReadonlyMap<string, Registered>,
    logger: Logger,
    byDefault: Registered,
    fellBack: boolean,
  ) {
    this.#providers = providers;
    this.#logger = logger;
    this.#default = byDefault;
    this.#fellBack = fellBack;
  }

  static async of(
    registrations: readonly ProviderRegistration[],
    logger: Logger,
    resolveFrom: string | URL,
  ): Promise<Registry> {
    const providers = new Map<string, Registered>();
    let marked: Registered | undefined;
    for (const registration of registrations) {
      const entry = asEntry(registration);
      const { provider, id } = await instantiate(entry, logger, resolveFrom);
      const registered = new Registered(id, provider, logger);
      if (providers.has(registered.name)) {
        throw config(`Two providers are registered as "${registered.name}"; give one of them another id`);
      }
      if (taken.has(provider) || [...providers.values()].some((each) => each.provider === provider)) {
        throw config(`The provider "${id}" is registered already; make one for each entry and service`);
      }
      providers.set(registered.name, registered);
      if (entry.isDefault !== true && entry.is_default !== true) continue;
      if (marked !== undefined) {
        throw config(
          `Both "${marked.name}" and "${registered.name}" are marked as default; mark one with isDefault: true`,
        );
      }
      marked = registered;
    }
    const only = providers.size === 1 ? [...providers.values()][0] : undefined;
    const named = marked ?? only ?? providers.get(`lp_${IN_MEMORY}`);
    const byDefault = named ?? (await inMemory(logger, resolveFrom));
    providers.set(byDefault.name, byDefault);
    for (const { provider } of providers.values()) taken.add(provider);
    return new Registry(providers, logger, byDefault, marked === undefined && providers.size > 1);
  }

  /** The provider that a call names, or the default. */
  pick(name: string | undefined, keys: readonly string[]): Registered {
    if (name === undefined) return this.#default;
    const registered = this.#providers.get(name);
    if (registered !== undefined) return registered;
    const known = [...this.#providers.keys()].map((each) => `"${each}"`).join(", ");
    const message = `No provider is registered as "${name}"; registered: ${known}`;
    throw new LockError("LOCK_CONFIG", message, { keys });
  }

  /** Connects all of them, or closes all again. */
  async connectAll(): Promise<void> {
    const all = [...this.#providers.values()];
    const outcomes = await Promise.allSettled(all.map((registered) => registered.connect()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this.close(0);
    throw failed.reason;
  }

  /** Says which provider is the default. */
  announce(): void {
    const { name } = this.#default;
    this.#logger.info(`The default locking provider is "${name}"`);
    if (!this.#fellBack || this.#default.provider.capabilities.scope === "shared") return;
    const further = [...this.#providers.values()].filter(
      (each) => each.provider.capabilities.scope === "shared",
    );
    if (further.length === 0) return;
    const names = further.map((each) => `"${each.name}"`).join(", ");
    this.#logger.warn(
      `No provider is marked as default, so "${name}" is: its locks hold within this process only. Mark one of ${names} with isDefault: true to lock across processes`,
    );
  }

  async close(drain: number): Promise<void> {
    await Promise.all([...this.#providers.values()].map((registered) => registered.close(drain)));
  }
}

function asEntry(registration: ProviderRegistration): ProviderEntry {
  if (isProvider(registration)) return { resolve: registration };
  if (typeof registration === "object" && registration !== null && "resolve" in registration)
    return registration;
  throw config(
    "Each of providers must be a ready provider, such as memoryProvider(), or an entry such as { resolve: redisProvider, options: { redisUrl } }",
  );
}

async function inMemory(logger: Logger, resolveFrom: string | URL): Promise<Registered> {
  let factory: unknown;
  try {
    // By a name that no bundler follows: the package is an optional peer.
    const name: string = IN_MEMORY_PACKAGE;
    factory = ((await import(name)) as { default: unknown }).default;
  } catch {
    factory = await importDefault(IN_MEMORY_PACKAGE, resolveFrom);
  }
  return new Registered(IN_MEMORY, (factory as () => Provider)(), logger);
}

function config(message: string): LockError {
  return new LockError("LOCK_CONFIG", message);
}
