import type { Claim, Handover, Release, ReleaseReply, TakeReply } from "@lock/core";
import { randomBytes } from "node:crypto";
import { connectionSettings } from "../src/connection-settings.ts";
import type { ConnectionSource } from "../src/connection-source.ts";
import { PostgresStore, type PostgresStoreOptions } from "../src/store.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A store as one process has it, with what it was told. */
export interface Instance extends AsyncDisposable {
  readonly store: PostgresStore;
  readonly handovers: Handover[];
  readonly woken: string[];
  /** Grants that are gone. */
  readonly lost: string[];
  /** Resolves with the hand-over to this claim, at once if it came already. */
  handedTo(claimId: string): Promise<Handover>;
  take(claim: Partial<Claim>): Promise<TakeReply>;
  release(release: Release): Promise<ReleaseReply>;
}

export async function instance(
  source: ConnectionSource,
  options: Partial<Omit<PostgresStoreOptions, "settings">> = {},
): Promise<Instance> {
  const settings = connectionSettings(source);
  const store = new PostgresStore({
    settings,
    namespace: "test",
    connections: 2,
    callTimeout: 5_000,
    push: true,
    ...options,
  });
  const handovers: Handover[] = [];
  const woken: string[] = [];
  const lost: string[] = [];
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  await store.connect({
    id: "test",
    logger: silent,
    events: {
      granted: (handover) => {
        handovers.push(handover);
        changed();
      },
      wake: (ids) => {
        woken.push(...ids);
        changed();
      },
      wakeAll: () => {
        woken.push("*");
        changed();
      },
      lost: (ids) => {
        lost.push(...ids);
      },
      lostAll() {},
    },
  });
  return {
    store,
    handovers,
    woken,
    lost,
    handedTo: (claimId) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = handovers.find((each) => each.claimId === claimId);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    take: async (claim) => (await store.take([claimOf(claim)]))[0] as TakeReply,
    release: async (release) => (await store.release([release]))[0] as ReleaseReply,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

export function claimOf(claim: Partial<Claim>): Claim {
  return {
    id: newId(),
    keys: ["a"],
    ownerId: null,
    kind: claim.ownerId === undefined ? "execute" : "acquire",
    limit: 1,
    lease: 30_000,
    keepLease: false,
    wait: true,
    ...claim,
  };
}

export function newId(): string {
  return randomBytes(9).toString("base64url");
}
