import type { ProviderCapabilities } from "../src/contract/capabilities.ts";
import type { Claim, LockStore, ReleaseReply, RenewReply, TakeReply } from "../src/contract/lock-store.ts";
import type { Provider } from "../src/contract/provider.ts";
import { defineProvider } from "../src/engine/define-provider.ts";

/** A store that grants whatever it is asked for: for tests of what is around it. */
export class PlainStore implements LockStore {
  capabilities: ProviderCapabilities = {
    scope: "shared",
    fencing: false,
    limits: false,
    fifo: false,
    push: false,
    inspect: false,
    transactions: false,
    crashRelease: "lease",
  };
  connected = 0;
  closed = 0;

  connect(): void | Promise<void> {
    this.connected += 1;
  }

  take(claims: readonly Claim[]): TakeReply[] {
    return claims.map(({ id }) => ({ status: "granted", grantId: id, token: null, remaining: 30_000 }));
  }

  renew(renewals: readonly unknown[]): RenewReply[] {
    return renewals.map(() => ({ status: "renewed", remaining: 30_000 }));
  }

  release(releases: readonly unknown[]): ReleaseReply[] {
    return releases.map(() => ({ status: "released", freed: true }));
  }

  releaseAll(): void {}

  close(): void | Promise<void> {
    this.closed += 1;
  }
}

/** A factory, as a provider package exports one. */
export function plainProvider(options: { store?: PlainStore; identifier?: string } = {}): Provider {
  return defineProvider({
    identifier: options.identifier ?? "plain",
    store: options.store ?? new PlainStore(),
  });
}
