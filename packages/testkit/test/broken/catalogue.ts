import type { Claim, Release, Renewal, RenewReply, TakeReply } from "@lock/core";
import { ReferenceStore, type Grant } from "./reference-store.ts";

/** A provider with one classic defect, and the sentence of the suite that must find it out. */
export interface Broken {
  readonly defect: string;
  /** The title of the case. */
  readonly rejectedBy: string;
  readonly Store: new () => ReferenceStore;
}

function lowered<T extends { readonly keys: readonly string[] }>(one: T): T {
  return { ...one, keys: one.keys.map((key) => key.toLowerCase()) };
}

function shortened<T extends { readonly keys: readonly string[] }>(one: T): T {
  return { ...one, keys: one.keys.map((key) => key.slice(0, 255)) };
}

/** What a service meets. */
export const catalogue: readonly Broken[] = [
  {
    defect: "release does not check the owner",
    rejectedBy: "release: with an owner it frees nobody else's lock",
    Store: class extends ReferenceStore {
      override isOwners(grant: Grant): boolean {
        return grant.claim.kind === "acquire";
      }
    },
  },
  {
    defect: "release without an owner frees the locks of jobs",
    rejectedBy: "execute: no release(keys) frees its lock, with or without an owner",
    Store: class extends ReferenceStore {
      override isOwners({ claim }: Grant, ownerId: string | null): boolean {
        return claim.ownerId === ownerId;
      }
    },
  },
  {
    defect: "the release of a stale handle frees the next holder's lock",
    rejectedBy: "handle: release() touches only its own grant: not the lock of who came later",
    Store: class extends ReferenceStore {
      override freeGrant(_id: string, keys: readonly string[]): boolean {
        for (const key of keys) for (const grant of this.holders(key)) this.drop(grant, key);
        return true;
      }
    },
  },
  {
    defect: "release is true when some of the keys were freed",
    rejectedBy:
      "release: returns true only if it freed something of every key, and frees the others all the same",
    Store: class extends ReferenceStore {
      override releaseOne(release: Release): boolean {
        if (release.by !== "owner") return super.releaseOne(release);
        return release.keys.filter((key) => this.freeKey(key, release.ownerId)).length > 0;
      }
    },
  },
  {
    defect: "a permit too many",
    rejectedBy: "limit: n permits: n may hold the key at once, and no more",
    Store: class extends ReferenceStore {
      override fits({ limit }: Claim, key: string): boolean {
        const holders = this.holders(key);
        if (limit === 1) return holders.length === 0;
        return holders.every((one) => one.claim.limit === limit) && holders.length <= limit;
      }
    },
  },
  {
    defect: "the limit of the newcomer alone is looked at",
    rejectedBy: "limit: readers exclude writers, and a writer readers",
    Store: class extends ReferenceStore {
      override fits({ limit }: Claim, key: string): boolean {
        return this.holders(key).length < limit;
      }
    },
  },
  {
    defect: "a newcomer takes what is free, whoever waits",
    rejectedBy:
      "order: nobody who does not wait passes an earlier waiter: a free key with a waiter is refused",
    Store: class extends ReferenceStore {
      override isPassing(claim: Claim, key: string, ticket: number): boolean {
        return ticket !== Infinity && super.isPassing(claim, key, ticket);
      }
    },
  },
  {
    defect: "readers join readers, whoever waits",
    rejectedBy: "order: a waiting writer is not starved by later readers",
    Store: class extends ReferenceStore {
      override isPassing(claim: Claim, key: string, ticket: number): boolean {
        return claim.limit !== Infinity && super.isPassing(claim, key, ticket);
      }
    },
  },
  {
    defect: "last come, first served",
    rejectedBy: "order: first come, first served",
    Store: class extends ReferenceStore {
      override enqueue(claim: Claim): number {
        this.queue.push({ claim, ticket: --this.ticket });
        return this.ticket;
      }
    },
  },
  {
    defect: "a waiter that timed out keeps its place",
    rejectedBy: "order: a waiter that timed out blocks nobody any longer",
    Store: class extends ReferenceStore {
      override withdraw(): boolean {
        return false;
      }
    },
  },
  {
    defect: "a token is given twice",
    rejectedBy: "fencing: each grant's token is strictly greater than that of every earlier grant of the key",
    Store: class extends ReferenceStore {
      override nextToken(): bigint {
        return ++this.token / 2n;
      }
    },
  },
  {
    defect: "tokens count the grants there are",
    rejectedBy: "fencing: across release, by whatever means",
    Store: class extends ReferenceStore {
      override nextToken(): bigint {
        return BigInt(this.grants.size + 1);
      }
    },
  },
  {
    defect: "a token is new when its owner is granted again",
    rejectedBy: "reacquire: granted again in place, the fencing token stays",
    Store: class extends ReferenceStore {
      override granted(grant: Grant): TakeReply {
        return {
          status: "granted",
          grantId: grant.id,
          token: this.nextToken(),
          remaining: grant.end - this.now(),
        };
      }
    },
  },
  {
    defect: "releaseAll of an owner frees everybody's locks",
    rejectedBy:
      "releaseAll: frees nothing of another owner's, nor what is held without one, nor what a job holds",
    Store: class extends ReferenceStore {
      override isFreedByAll(): boolean {
        return true;
      }
    },
  },
  {
    defect: "releaseAll takes an owner for a prefix",
    rejectedBy: "releaseAll: an owner is a name, no pattern",
    Store: class extends ReferenceStore {
      override isFreedByAll({ claim }: Grant, ownerId: string | null): boolean {
        return ownerId === null || (claim.ownerId?.startsWith(ownerId) ?? false);
      }
    },
  },
  {
    defect: "releaseAll without an owner spares the locks of jobs",
    rejectedBy: "releaseAll: without an owner it frees every lock in the namespace, execute's included",
    Store: class extends ReferenceStore {
      override isFreedByAll(grant: Grant, ownerId: string | null): boolean {
        return grant.claim.kind === "acquire" && super.isFreedByAll(grant, ownerId);
      }
    },
  },
  {
    defect: "of many keys the free ones are taken, though not all are",
    rejectedBy: "keys: many keys are taken all or none",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        if (reply.status !== "busy") return reply;
        const keys = claim.keys.filter((key) => this.fits(claim, key));
        if (keys.length > 0) this.grant({ ...claim, keys });
        return reply;
      }
    },
  },
  {
    defect: "keys are case-folded",
    rejectedBy: "keys: keys are case-sensitive",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        return super.takeOne(lowered(claim));
      }
      override releaseOne(release: Release): boolean {
        return super.releaseOne(lowered(release));
      }
    },
  },
  {
    defect: "keys are truncated",
    rejectedBy: "keys: 1,024 bytes of UTF-8 are allowed, and never truncated",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        return super.takeOne(shortened(claim));
      }
      override releaseOne(release: Release): boolean {
        return super.releaseOne(shortened(release));
      }
    },
  },
  {
    defect: "expiry is ignored",
    rejectedBy: "acquire: with expire it is held that long, and free afterwards without anyone cleaning up",
    Store: class extends ReferenceStore {
      override expire(): void {}
    },
  },
  {
    defect: "a renewal brings an expired lock back",
    rejectedBy: "extend: never extends a later holder's lock",
    Store: class extends ReferenceStore {
      override renewOne({ keys, lease }: Renewal): RenewReply {
        for (const key of keys) for (const grant of this.holders(key)) grant.end = this.now() + lease;
        return { status: "renewed", remaining: lease };
      }
    },
  },
  {
    defect: "being granted again without expire starts the expiry anew",
    rejectedBy: "reacquire: without expire, an expiry is left as it is",
    Store: class extends ReferenceStore {
      override grant(claim: Claim): Grant {
        return super.grant({ ...claim, keepLease: false });
      }
    },
  },
  {
    defect: "a lost lock is reported as held: every release has freed, every renewal has renewed",
    rejectedBy:
      "lost: a job whose lock was freed under it is never reported as a success: execute rejects with LOCK_LOST",
    Store: class extends ReferenceStore {
      override releaseAll(ownerId: string | null): void {
        const { events } = this;
        this.events = undefined;
        super.releaseAll(ownerId);
        this.events = events;
      }
      override freeGrant(id: string, keys: readonly string[]): boolean {
        super.freeGrant(id, keys);
        return true;
      }
      override renewOne(renewal: Renewal): RenewReply {
        super.renewOne(renewal);
        return { status: "renewed", remaining: renewal.lease };
      }
    },
  },
  {
    defect: "an owner takes a second permit",
    rejectedBy: "owners: an owner has at most one permit of a key",
    Store: class extends ReferenceStore {
      override had(): Grant[] {
        return [];
      }
    },
  },
  {
    defect: "a hand-over wakes nobody",
    rejectedBy:
      "push: a release wakes the next waiter without polling: twenty in a row, all of whom have waited a while",
    Store: class extends ReferenceStore {
      override handOver(): void {}
    },
  },
];
