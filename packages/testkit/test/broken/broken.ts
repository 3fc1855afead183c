import {
  defineProvider,
  type Awaitable,
  type LockingProviderClass,
  type LockStore,
  type ProviderCapabilities,
} from "@lock/core";
import type { Subject, SubjectWorld } from "@lock/testkit";

interface StoreClass {
  new (
    namespace: string,
    url: string,
  ): LockStore & {
    /** How much the backend keeps. */
    count?(): Awaitable<number>;
  };
  /** Whether it is the client of a server. */
  readonly remote?: boolean;
  readonly prototype: object;
}

/** The environment variable that says where the server listens. */
export const urlVariable = "LOCK_BROKEN_URL";

/** What is put to the proof: a store, or a provider class written by hand. */
export type Candidate = { readonly Store: StoreClass } | { readonly Class: LockingProviderClass };

/** A candidate with one classic defect, and the sentence of the suite that must find it out. */
export type Broken = Candidate & {
  readonly defect: string;
  /** The title of the case. */
  readonly rejectedBy: string;
};

/** Variants of one candidate that is correct: whatever rejects one of them must not reject it. */
export interface Catalogue {
  readonly correct: Candidate;
  readonly broken: readonly Broken[];
}

/** What a candidate declares. */
export function manifestOf(candidate: Candidate): ProviderCapabilities {
  if ("Store" in candidate) return new candidate.Store("", "locks://nowhere").capabilities;
  const declared = new candidate.Class({ logger: silent }, undefined as never).capabilities;
  return { ...least, ...declared };
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
const nothing = (): void => {};
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const deaf = { granted: nothing, wake: nothing, wakeAll: nothing, lost: nothing, lostAll: nothing };

/** A candidate as the suite is given it. */
export function subjectOf(candidate: Candidate): Subject {
  const name = "under test";
  if ("Class" in candidate) return { name, create: () => ({ resolve: candidate.Class }) };
  const { Store } = candidate;
  const store = ({ namespace, env }: SubjectWorld): InstanceType<StoreClass> =>
    new Store(namespace, env[urlVariable] ?? "");
  return {
    name,
    ...(Store.remote && { urlVariable }),
    store,
    create: (world) => defineProvider({ identifier: "under-test", store: store(world) }),
    ...("count" in Store.prototype && {
      entries: async (world: SubjectWorld) => {
        const one = store(world);
        await one.connect?.({ id: "counter", logger: silent, events: deaf });
        const count = await one.count!();
        await one.close?.();
        return count;
      },
    }),
  };
}
