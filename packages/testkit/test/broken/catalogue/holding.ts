import type { Claim, Release, Renewal, RenewReply, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** Who may free what, and how long it lasts. */
export const holding: readonly Broken[] = [
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
    defect: "release by an owner whose lock has expired deletes the next holder's",
    rejectedBy: "release: never frees a later holder's lock",
    Store: class extends ReferenceStore {
      readonly ever: Set<string> = new Set();
      override grant(claim: Claim): Grant {
        for (const key of claim.keys) this.ever.add(`${claim.ownerId} ${key}`);
        return super.grant(claim);
      }
      override freeKey(key: string, ownerId: string | null): boolean {
        if (!this.ever.has(`${ownerId} ${key}`)) return super.freeKey(key, ownerId);
        const held = this.holders(key);
        for (const grant of held) this.drop(grant, key);
        return held.length > 0;
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
    defect: "what is held is thrown as an error",
    rejectedBy:
      "errors: what is held is never reported as a failure of the backend, by one caller or by fifty at once",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        if (reply.status === "busy") throw new Error("duplicate key value violates unique constraint");
        return reply;
      }
    },
  },
];
