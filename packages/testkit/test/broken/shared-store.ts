import type { Claim, LockStore, ProviderCapabilities, StoreContext, StoreEvents } from "@lock/core";
import { ReferenceStore } from "./reference-store.ts";

/** What the instances of one namespace share: one reference store, and who listens. */
class Backend extends ReferenceStore {
  override readonly capabilities: ProviderCapabilities = {
    ...new ReferenceStore().capabilities,
    scope: "shared",
  };
  readonly listeners: Set<StoreEvents> = new Set();
}

const backends = new Map<string, Backend>();

/** An instance of a store that is shared by all instances of this process: two services can meet in it, two processes can't. */
export class SharedStore implements LockStore {
  readonly backend: Backend;
  readonly capabilities: ProviderCapabilities;
  events: StoreEvents | undefined;

  constructor(namespace: string) {
    this.backend = backends.get(namespace) ?? new Backend();
    backends.set(namespace, this.backend);
    this.capabilities = this.backend.capabilities;
  }

  connect({ events, id, logger }: StoreContext): void {
    this.events = events;
    this.backend.listeners.add(events);
    // As a published message: every instance hears it and finds out what is its own.
    this.backend.events = {
      granted: (handover) => this.tell((one) => one.granted(handover)),
      wake: (claims) => this.tell((one) => one.wake(claims)),
      wakeAll: () => this.tell((one) => one.wakeAll()),
      lost: (grants) => this.tell((one) => one.lost(grants)),
      lostAll: () => this.tell((one) => one.lostAll()),
    };
    logger.info(`Connection to itself in "${id}" provider established`);
  }

  tell(what: (listener: StoreEvents) => void): void {
    for (const listener of this.backend.listeners) what(listener);
  }

  take(claims: readonly Claim[]): ReturnType<ReferenceStore["take"]> {
    return this.backend.take(claims);
  }

  renew(...args: Parameters<ReferenceStore["renew"]>): ReturnType<ReferenceStore["renew"]> {
    return this.backend.renew(...args);
  }

  release(...args: Parameters<ReferenceStore["release"]>): ReturnType<ReferenceStore["release"]> {
    return this.backend.release(...args);
  }

  releaseAll(ownerId: string | null): void {
    this.backend.releaseAll(ownerId);
  }

  inspect(keys: readonly string[]): ReturnType<ReferenceStore["inspect"]> {
    return this.backend.inspect(keys);
  }

  close(): void {
    if (this.events !== undefined) this.backend.listeners.delete(this.events);
  }
}
