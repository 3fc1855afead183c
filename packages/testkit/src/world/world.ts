import type {
  ExecuteArgs,
  Keys,
  Locking,
  LockStore,
  Logger,
  ProviderCapabilities,
  StoreEvents,
} from "@lock/core";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { startProcess, type TestProcess } from "../processes/child-process.ts";
import type { FaultProxy } from "../proxy.ts";
import { seededRandom, type Random } from "../random.ts";
import type { Subject, SubjectTransaction, SubjectWorld } from "../subject.ts";
import { until } from "./bounded.ts";
import { connectSubject, silent } from "./connect-subject.ts";
import { hold, type Holding } from "./holding.ts";
import { openJournal, recorded, type Journal } from "./journal.ts";
import { throughProxy } from "./through-proxy.ts";

const nothing = (): void => {};
const deaf: StoreEvents = {
  granted: nothing,
  wake: nothing,
  wakeAll: nothing,
  lost: nothing,
  lostAll: nothing,
};

/** What a case has to work with: services over the subject in a namespace that is the case's alone. */
export interface World {
  /** What the provider declares. */
  readonly manifest: ProviderCapabilities;
  readonly namespace: string;
  /** What the case leaves to chance: the run's seed repeats it. */
  readonly random: Random;
  /** The service that the case speaks of. */
  readonly locking: Locking;
  /** The other party: the same service, or one with a provider instance of its own. */
  readonly rival: Locking;
  /** Connects one more service with a provider instance of its own, by default in the same namespace. */
  readonly connect: (options?: {
    readonly namespace?: string;
    readonly logger?: Logger;
    readonly lazy?: boolean;
  }) => Promise<Locking>;
  /** Starts a process with a service over the subject, in the same namespace. */
  readonly start: (options?: { readonly clockShift?: number }) => Promise<TestProcess>;
  /** An `execute` that lasts until it is freed, by default of `world.locking`. */
  readonly hold: (keys: Keys, args?: ExecuteArgs, locking?: Locking) => Promise<Holding>;
  /** Resolves when `count` claims wait for the key. */
  readonly untilWaiting: (key: string, count: number) => Promise<void>;
  /** Connects an instance of the store behind the provider, with nobody listening to what it tells. */
  readonly store: () => Promise<LockStore>;
  /** Connects one more service in the same namespace, which reaches the backend through a proxy. */
  readonly behindProxy: () => Promise<{ readonly locking: Locking; readonly proxy: FaultProxy }>;
  /** How much the backend keeps for the namespace. */
  readonly entries: () => Promise<number>;
  /** Opens a transaction in the backend. */
  readonly transaction: () => Promise<SubjectTransaction>;
}

/** A world, and what its keeper needs. */
export interface OpenWorld {
  readonly world: World;
  readonly journal: Journal;
  /** Ends whatever the case left, processes first. */
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly subject: Subject;
  /** The address of the subject's module. */
  readonly module: string;
  /** Whether `rival` has a provider instance of its own. */
  readonly apart: boolean;
  /** The seed of the run, and the name of the case within it. */
  readonly seed: number;
  readonly name: string;
}

/** Opens a namespace that nobody ever used, and connects a service or two to it. */
export async function openWorld({
  subject,
  module,
  apart,
  seed,
  name: title,
}: WorldOptions): Promise<OpenWorld> {
  const namespace = `testkit-${randomBytes(8).toString("hex")}`;
  const journal = openJournal();
  const services: { readonly namespace: string; readonly locking: Locking }[] = [];
  const processes: TestProcess[] = [];
  const holdings: Holding[] = [];
  const stores: LockStore[] = [];
  const proxies: FaultProxy[] = [];
  const over = new AbortController();
  let started = 0;
  let manifest: ProviderCapabilities | undefined;

  const connect = async (
    options: Parameters<World["connect"]>[0] & { readonly env?: SubjectWorld["env"] } = {},
  ): Promise<Locking> => {
    const { namespace: wanted = namespace, ...rest } = options;
    const connected = await connectSubject(subject, wanted, rest);
    services.push({ namespace: wanted, locking: connected.locking });
    manifest ??= connected.manifest;
    return recorded(connected.locking, `service ${services.length}`, journal, over.signal);
  };
  const empty = async (place: string): Promise<void> => {
    for (const one of services) {
      if (one.namespace !== place) continue;
      const emptied = await one.locking.releaseAll().then(
        () => true,
        () => false,
      );
      if (emptied) return;
    }
    // The case has closed its services, or made them useless.
    const { locking } = await connectSubject(subject, place);
    await locking.releaseAll().finally(() => locking.close());
  };
  const close = async (): Promise<void> => {
    over.abort();
    await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
    for (const holding of holdings) holding.end();
    if (manifest?.scope === "shared")
      await Promise.all([...new Set(services.map((one) => one.namespace))].map(empty));
    await Promise.all(services.map((one) => one.locking.close({ drain: "1s" })));
    for (const store of stores) {
      await store.releaseAll(null);
      await store.close?.();
    }
    await Promise.all(proxies.map((proxy) => proxy.close()));
  };

  try {
    const locking = await connect();
    const rival = apart ? await connect() : locking;
    const declared = manifest!;
    const place: SubjectWorld = { namespace, env: process.env };
    const world: World = {
      manifest: declared,
      namespace,
      random: seededRandom(seed, title),
      locking,
      rival,
      connect,
      start: async ({ clockShift = 0 } = {}) => {
        const name = `process ${++started}`;
        const note = (what: string, at?: bigint): void => journal.note(name, what, at);
        const child = await startProcess({ subject: module, namespace, name, clockShift }, note);
        processes.push(child);
        return child;
      },
      hold: async (keys, args, service = locking) => {
        const holding = await hold(service, keys, args);
        holdings.push(holding);
        return holding;
      },
      untilWaiting: async (key, count) => {
        // Only a provider with a queue can know who waits; of others a waiter is given the time to ask.
        if (!declared.inspect || !declared.fifo) return await pause(100);
        const asker = services[0]!.locking;
        await until(
          `${count} to wait for "${key}"`,
          async () => (await asker.inspect(key))[0]?.waiting === count,
        );
      },
      store: async () => {
        const store = await subject.store?.(place);
        if (store === undefined) throw new Error("The subject names no store");
        stores.push(store);
        await store.connect?.({ id: "store", logger: silent, events: deaf });
        return recorded(store, "store", journal, over.signal);
      },
      behindProxy: async () => {
        if (subject.urlVariable === undefined) throw new Error("The subject names no urlVariable");
        const { proxy, env } = await throughProxy(process.env, subject.urlVariable);
        proxies.push(proxy);
        return { proxy: recorded(proxy, "proxy", journal, over.signal), locking: await connect({ env }) };
      },
      entries: async () => {
        if (subject.entries === undefined) throw new Error("The subject counts no entries");
        return await subject.entries(place);
      },
      transaction: async () => {
        if (subject.transaction === undefined) {
          throw new Error("The manifest says transactions: the subject needs transaction() to open one");
        }
        return await subject.transaction(place);
      },
    };
    return { world, journal, close };
  } catch (error) {
    await Promise.allSettled(services.map((one) => one.locking.close()));
    throw error;
  }
}
