import type { Claim, Release, TakeReply } from "@lock/core";
import { SharedStore } from "./shared-store.ts";

/** A provider with a defect that only two of its instances, or two processes, can find out. */
export interface BrokenShared {
  readonly defect: string;
  /** The title of the case. */
  readonly rejectedBy: string;
  readonly Store: new (namespace: string) => SharedStore;
}

export const sharedCatalogue: readonly BrokenShared[] = [
  {
    defect: "a hand-over is told to the instance that released, not to the one that waits",
    rejectedBy: "push: a release by owner wakes the next waiter as well [two services]",
    Store: class extends SharedStore {
      override release(...args: Parameters<SharedStore["release"]>): ReturnType<SharedStore["release"]> {
        const { backend, events } = this;
        const all = backend.events;
        if (all !== undefined) backend.events = { ...all, granted: (handover) => events?.granted(handover) };
        const replies = super.release(...args);
        backend.events = all;
        return replies;
      }
    },
  },
  {
    defect: "an instance knows only its own waiters",
    rejectedBy:
      "order: nobody who does not wait passes an earlier waiter: a free key with a waiter is refused [two services]",
    Store: class extends SharedStore {
      readonly mine: Set<string> = new Set();
      override take(claims: readonly Claim[]): TakeReply[] {
        for (const { id } of claims) this.mine.add(id);
        const { backend } = this;
        const theirs = backend.queue.filter((place) => !this.mine.has(place.claim.id));
        backend.queue = backend.queue.filter((place) => this.mine.has(place.claim.id));
        const replies = super.take(claims);
        backend.queue.push(...theirs);
        return replies;
      }
    },
  },
  {
    defect: "releaseAll of an owner knows only what its own instance granted",
    rejectedBy:
      "releaseAll: frees every lock of the owner, wherever it was taken, and resolves with nothing [two services]",
    Store: class extends SharedStore {
      readonly mine: Set<string> = new Set();
      override take(claims: readonly Claim[]): TakeReply[] {
        for (const { id } of claims) this.mine.add(id);
        return super.take(claims);
      }
      override releaseAll(ownerId: string | null): void {
        const { grants } = this.backend;
        for (const { id, claim } of [...grants.values()]) {
          if (this.mine.has(id) && (ownerId === null || claim.ownerId === ownerId)) grants.delete(id);
        }
      }
    },
  },
  {
    defect: "namespaces share their locks",
    rejectedBy: "keys: namespaces never meet, however their names and keys are put together",
    Store: class extends SharedStore {
      constructor() {
        super("the one");
      }
    },
  },
  {
    defect: "a claim takes though it was withdrawn before it arrived",
    rejectedBy: "store: a claim that was withdrawn before it arrived takes nothing",
    Store: class extends SharedStore {
      override release(releases: readonly Release[]): ReturnType<SharedStore["release"]> {
        return super.release(
          releases.map((one) => (one.by === "owner" ? one : { ...one, tombstone: false })),
        );
      }
    },
  },
  {
    defect: "what is called shared is not shared by processes",
    rejectedBy: "processes: of 200 read-modify-write increments over 4 processes none is lost",
    Store: SharedStore,
  },
  {
    defect: "what is called shared gives each process tokens of its own",
    rejectedBy: "processes: a lock excludes between processes, and tokens increase from one to the next",
    Store: SharedStore,
  },
];
