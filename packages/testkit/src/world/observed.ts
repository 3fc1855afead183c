import type { Provider, ProviderCapabilities, ProviderEntry } from "@lock/core";

/** What a subject made, as it is registered, and the manifest of the provider that comes of it. */
export interface Observed {
  readonly registration: Provider | ProviderEntry;
  /** Final once the service has connected. */
  manifest(): ProviderCapabilities;
  /** The instance of a class that was written by hand, once the service has made it. */
  instance(): unknown;
}

const least: ProviderCapabilities = {
  scope: "process",
  fencing: false,
  limits: false,
  fifo: false,
  push: false,
  inspect: false,
  transactions: false,
  crashRelease: "never",
};

/** The manifest is the provider's own, which only the service meets where it is made from an entry. */
export function observed(created: Provider | ProviderEntry): Observed {
  if (!("resolve" in created)) {
    return { registration: created, manifest: () => created.capabilities, instance: () => undefined };
  }
  const { resolve } = created;
  if (typeof resolve !== "function") {
    throw new TypeError(
      "A subject's entry names its class or factory itself: import it in the subject's module",
    );
  }
  let made: unknown;
  const keep = <T>(provider: T): T => {
    void Promise.resolve(provider).then((ready) => (made = ready));
    return provider;
  };
  const watched: typeof resolve = new Proxy(resolve, {
    construct: (target, args: unknown[], newTarget) =>
      keep(Reflect.construct(target, args, newTarget) as object),
    apply: (target, self, args: unknown[]) =>
      keep(Reflect.apply(target as () => unknown, self, args) as unknown),
  });
  return {
    registration: { ...created, resolve: watched },
    instance: () => made,
    manifest: () => ({
      ...least,
      ...(made as { readonly capabilities?: Partial<ProviderCapabilities> }).capabilities,
    }),
  };
}
