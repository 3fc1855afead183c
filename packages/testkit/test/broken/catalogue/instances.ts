import type { Claim, Handover, Release, Renewal, StoreContext, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { Backend, SharedStore } from "../references/shared-store.ts";

/** A backend that tells its instances apart by nothing but the number of a claim, which each of them counts from 1. */
class ByNumber extends SharedStore {
  readonly ids: Map<string, string> = new Map();

  override connect(context: StoreContext): void {
    const granted = (handover: Handover): void => {
      const claimId = this.ids.get(handover.claimId);
      if (claimId !== undefined) context.events.granted({ ...handover, claimId });
    };
    super.connect({ ...context, events: { ...context.events, granted } });
  }

  /** What engines make of a random prefix of 12 characters and a number. */
  number(id: string): string {
    this.ids.set(id.slice(12), id);
    return id.slice(12);
  }

  override take(claims: readonly Claim[]): TakeReply[] {
    const replies = super.take(claims.map((claim) => ({ ...claim, id: this.number(claim.id) })));
    return replies.map((reply, n) =>
      reply.status === "granted" ? { ...reply, grantId: claims[n]!.id } : reply,
    );
  }

  override renew(renewals: readonly Renewal[]): ReturnType<SharedStore["renew"]> {
    return super.renew(renewals.map((one) => ({ ...one, grantId: this.number(one.grantId) })));
  }

  override release(releases: readonly Release[]): ReturnType<SharedStore["release"]> {
    return super.release(
      releases.map((one) => {
        if (one.by === "grant") return { ...one, grantId: this.number(one.grantId) };
        return one.by === "claim" ? { ...one, claimId: this.number(one.claimId) } : one;
      }),
    );
  }
}

const all = new Map<string, SharedStore>();

/** Defects that only two instances, two namespaces or two processes can find out. */
export const instances: readonly Broken[] = [
  {
    defect: "a hand-over is told to the instance that released, not to the one that waits",
    rejectedBy: "push: a release by owner wakes the next waiter as well [two services]",
    Store: class extends SharedStore {
      override release(...args: Parameters<SharedStore["release"]>): ReturnType<SharedStore["release"]> {
        const { backend, events } = this;
        const everybody = backend.events;
        if (everybody !== undefined)
          backend.events = { ...everybody, granted: (handover) => events?.granted(handover) };
        const replies = super.release(...args);
        backend.events = everybody;
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
    defect: "two instances in one process mix up their waiters",
    rejectedBy:
      "service: two instances in one process keep their waiters apart: each call ends once, as its own",
    Store: ByNumber,
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
    defect: "releaseAll empties every namespace that begins alike",
    rejectedBy: "releaseAll: and only there",
    Store: class extends SharedStore {
      readonly namespace: string;
      constructor(namespace: string) {
        super(namespace);
        this.namespace = namespace;
        all.set(namespace, this);
      }
      override releaseAll(ownerId: string | null): void {
        for (const [name, { backend }] of all)
          if (name.startsWith(this.namespace)) backend.releaseAll(ownerId);
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
    defect: "namespace and key are put together so that others come out the same",
    rejectedBy: "keys: namespaces never meet, however their names and keys are put together",
    Store: class extends SharedStore {
      readonly namespace: string;
      constructor(namespace: string) {
        super("all of them");
        this.namespace = namespace;
      }
      whole<T extends { readonly keys: readonly string[] }>(one: T): T {
        return { ...one, keys: one.keys.map((key) => `${this.namespace}:${key}`) };
      }
      override take(claims: readonly Claim[]): TakeReply[] {
        return super.take(claims.map((claim) => this.whole(claim)));
      }
      override release(releases: readonly Release[]): ReturnType<SharedStore["release"]> {
        return super.release(releases.map((release) => this.whole(release)));
      }
    },
  },
  {
    defect: "tokens begin anew with each instance",
    rejectedBy: "fencing: across services that come and go",
    Store: class extends SharedStore {
      override connect(context: StoreContext): void {
        super.connect(context);
        this.backend.token = 0n;
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
    defect: "a hand-over is for good before its waiter is heard of",
    rejectedBy:
      "store: a hand-over that nobody confirms has a short lease, which asking or renewing makes the claim's own",
    Store: class extends SharedStore {
      constructor(namespace: string) {
        super(
          namespace,
          "",
          class extends Backend {
            override handTo(...args: Parameters<Backend["handTo"]>): void {
              super.handTo(...args);
              this.confirm(args[0].claim.id, args[0].claim.lease);
            }
          },
        );
      }
    },
  },
  {
    defect: "the backend keeps a record of each key and owner that there ever was",
    rejectedBy:
      "leftovers: claims on a hundred other keys by a hundred other owners leave no more in the backend than those on twenty",
    Store: class extends SharedStore {
      constructor(namespace: string) {
        super(
          namespace,
          "",
          class extends Backend {
            readonly ever: Set<string> = new Set();
            override takeOne(claim: Claim): TakeReply {
              for (const key of claim.keys) this.ever.add(`${claim.ownerId} ${key}`);
              return super.takeOne(claim);
            }
            override get entries(): number {
              return super.entries + this.ever.size;
            }
          },
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
