import type { Claim, Release, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** What is kept to find an owner's locks by, and what freeing them all takes along. */
export const releaseAll: readonly Broken[] = [
  {
    defect: "what an owner's locks are found by ends with the lease that they had at first",
    rejectedBy: "releaseAll: frees what an owner made last longer than it asked for at first",
    Store: class extends ReferenceStore {
      readonly listed: Map<string, number> = new Map();
      override grant(claim: Claim): Grant {
        const made = super.grant(claim);
        if (!this.listed.has(made.id)) this.listed.set(made.id, made.end);
        return made;
      }
      override isFreedByAll(grant: Grant, ownerId: string | null): boolean {
        const isListed = this.listed.get(grant.id)! > this.now();
        return super.isFreedByAll(grant, ownerId) && (ownerId === null || isListed);
      }
    },
  },
  {
    defect: "releaseAll frees whatever is held now of the keys that the owner ever had",
    rejectedBy: "releaseAll: frees no later holder's lock of what the owner held until its lease ended",
    Store: class extends ReferenceStore {
      readonly ever: Set<string> = new Set();
      override grant(claim: Claim): Grant {
        for (const key of claim.keys) this.ever.add(`${claim.ownerId} ${key}`);
        return super.grant(claim);
      }
      override isFreedByAll(grant: Grant, ownerId: string | null): boolean {
        return ownerId === null || [...grant.keys].some((key) => this.ever.has(`${ownerId} ${key}`));
      }
    },
  },
  {
    defect: "releaseAll of an owner frees every permit of its keys",
    rejectedBy: "releaseAll: of a semaphore it frees the owner's permit alone",
    Store: class extends ReferenceStore {
      override isFreedByAll(grant: Grant, ownerId: string | null): boolean {
        return [...grant.keys].some((key) =>
          this.holders(key).some((one) => super.isFreedByAll(one, ownerId)),
        );
      }
    },
  },
  {
    defect: "releaseAll tells nobody who waits that there is something free",
    rejectedBy: "releaseAll: lets those in that wait",
    Store: class extends ReferenceStore {
      override releaseAll(ownerId: string | null): void {
        for (const grant of [...this.grants.values()])
          if (this.isFreedByAll(grant, ownerId)) this.grants.delete(grant.id);
      }
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        return reply.status === "queued" ? { ...reply, checkIn: Infinity } : reply;
      }
    },
  },
  {
    defect: "releaseAll of an owner ends its waiting as well",
    rejectedBy: "releaseAll: a wait is no lock: it goes on",
    Store: class extends ReferenceStore {
      override releaseAll(ownerId: string | null): void {
        for (const { claim } of this.queue) if (claim.ownerId === ownerId) this.tombstones.add(claim.id);
        this.queue = this.queue.filter(({ claim }) => claim.ownerId !== ownerId);
        super.releaseAll(ownerId);
      }
    },
  },
  {
    defect: "releaseAll frees a hundred locks and leaves the rest",
    rejectedBy: "releaseAll: frees three hundred locks at once, and what is acquired afterwards is held",
    Store: class extends ReferenceStore {
      override releaseAll(ownerId: string | null): void {
        const owned = [...this.grants.values()].filter((grant) => this.isFreedByAll(grant, ownerId));
        for (const { id } of owned.slice(0, 100)) this.grants.delete(id);
        this.advance();
      }
    },
  },
  {
    defect: "a release by owner takes the owner's place in the queue for a lock",
    rejectedBy: "release: a wait is no lock: release by its owner frees nothing of it",
    Store: class extends ReferenceStore {
      override releaseOne(release: Release): boolean {
        const own =
          release.by === "owner"
            ? this.queue.filter(({ claim }) => claim.ownerId === release.ownerId && claim.kind === "acquire")
            : [];
        for (const { claim } of own) this.leave(claim.id);
        return super.releaseOne(release) || own.length > 0;
      }
    },
  },
];
