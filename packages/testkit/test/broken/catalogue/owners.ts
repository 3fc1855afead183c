import type { Claim, Release, Renewal, RenewReply, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** Who is the same owner, and what an owner is granted again. */
export const owners: readonly Broken[] = [
  {
    defect: "owners are case-folded",
    rejectedBy:
      "owners: an owner is compared exactly: by case, by spaces, by form, to the last of 1,024 bytes",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        return super.takeOne({ ...claim, ownerId: claim.ownerId?.toLowerCase() ?? null });
      }
      override releaseOne(release: Release): boolean {
        if (release.by !== "owner") return super.releaseOne(release);
        return super.releaseOne({ ...release, ownerId: release.ownerId?.toLowerCase() ?? null });
      }
    },
  },
  {
    defect: "key and owner are put together so that others come out the same",
    rejectedBy: "owners: keys and owners are told apart wherever the one ends and the other begins",
    Store: class extends ReferenceStore {
      override freeKey(key: string, ownerId: string | null): boolean {
        const like = [...this.grants.values()].flatMap((grant) =>
          [...grant.keys]
            .filter((held) => `${held}:${grant.claim.ownerId}` === `${key}:${ownerId}`)
            .map((held) => ({ grant, held })),
        );
        for (const { grant, held } of like) this.drop(grant, held);
        return like.length > 0;
      }
    },
  },
  {
    defect: "callers without an owner are one owner",
    rejectedBy: "owners: two callers without ownerId are strangers",
    Store: class extends ReferenceStore {
      override had(claim: Claim): Grant[] {
        if (claim.ownerId !== null || claim.kind === "execute") return super.had(claim);
        return claim.keys
          .flatMap((key) => this.holders(key))
          .filter((grant) => grant.claim.kind === "acquire" && grant.claim.ownerId === null);
      }
    },
  },
  {
    defect: "an owner is granted again whatever its limit",
    rejectedBy: "reacquire: held with another limit: refused",
    Store: class extends ReferenceStore {
      override had(claim: Claim): Grant[] {
        const limits = new Set([...this.grants.values()].map((grant) => grant.claim.limit));
        return [...limits].flatMap((limit) => super.had({ ...claim, limit }));
      }
    },
  },
  {
    defect: "who waits is an obstacle to an owner that is granted again",
    rejectedBy: "reacquire: granted again at once, though others wait for the key",
    Store: class extends ReferenceStore {
      override mayTake(claim: Claim, ticket: number): boolean {
        return super.mayTake(claim, ticket) && !claim.keys.some((key) => this.isPassing(claim, key, ticket));
      }
    },
  },
  {
    defect: "an owner that lacks one of its keys keeps the token of what it has",
    rejectedBy:
      "reacquire: some held, some not: all become one new grant with a new token, and the earlier handle is superseded",
    Store: class extends ReferenceStore {
      override grant(claim: Claim): Grant {
        const [one] = this.had(claim);
        if (one === undefined) return super.grant(claim);
        for (const key of claim.keys) one.keys.add(key);
        return one;
      }
    },
  },
  {
    defect: "an owner that holds its keys under two grants is granted the first of them again",
    rejectedBy:
      "reacquire: held under two grants they are granted again as one, whose release frees all of it",
    Store: class extends ReferenceStore {
      override grant(claim: Claim): Grant {
        const had = this.had(claim);
        const isWhole = claim.keys.every((key) => had.some((one) => one.keys.has(key)));
        return isWhole && had.length > 1 ? had[0]! : super.grant(claim);
      }
    },
  },
  {
    defect: "an owner that waits for another key keeps others from the one that it has",
    rejectedBy:
      "reacquire: some held, some not: who stands behind it in the queue of what it has gets in as soon as there is room",
    Store: class extends ReferenceStore {
      override isPassing(_claim: Claim, key: string, ticket: number): boolean {
        return this.queue.some((earlier) => earlier.ticket < ticket && earlier.claim.keys.includes(key));
      }
    },
  },
  {
    defect: "a lease that comes to end sooner is told to the first in line, who waits for another key only",
    rejectedBy:
      "reacquire: some held, some not: a lease that comes to end sooner passes on within 1 s to who stands behind it",
    Store: class extends ReferenceStore {
      override tellOfEnd(lease: number): void {
        super.tellOfEnd(lease, this.queue.slice(0, 1));
      }
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        if (reply.status !== "queued") return reply;
        const lacking = claim.keys.filter((key) => this.lacks(claim, key));
        const ends = lacking.flatMap((key) => this.holders(key)).map(({ end }) => end - this.now());
        return { ...reply, checkIn: Math.min(Infinity, ...ends) };
      }
    },
  },
  {
    defect: "an owner that comes to hold what it waits for besides waits its turn all the same",
    rejectedBy:
      "reacquire: what its owner comes to hold is granted in place at once to who waits for it, also from behind others",
    Store: class extends ReferenceStore {
      override mayTake(claim: Claim, ticket: number): boolean {
        if (!super.mayTake(claim, ticket)) return false;
        return ticket === Infinity || !claim.keys.some((key) => this.isPassing(claim, key, ticket));
      }
    },
  },
  {
    defect: "what an owner holds is let go of when it is refused the rest",
    rejectedBy: "reacquire: some held, some not, and the rest is busy: refused, and what was held stays held",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const had = this.had(claim);
        const reply = super.takeOne(claim);
        if (reply.status === "busy") for (const grant of had) this.grants.delete(grant.id);
        return reply;
      }
    },
  },
  {
    defect: "an owner queues for what it holds as well",
    rejectedBy: "reacquire: some held, some not: meanwhile it queues only for what it lacks",
    Store: class extends ReferenceStore {
      override lacks(claim: Claim, key: string): boolean {
        return claim.keys.includes(key);
      }
      override mayTake(claim: Claim, ticket: number): boolean {
        const rest = claim.keys.filter((key) => super.lacks(claim, key));
        return rest.every((key) => this.fits(claim, key) && !this.isPassing(claim, key, ticket));
      }
    },
  },
  {
    defect: "a permit of any limit is a permit",
    rejectedBy:
      "limit: a claim with another limit than the holders' does not fit, however many permits are free",
    Store: class extends ReferenceStore {
      override fits({ limit }: Claim, key: string): boolean {
        const most = Math.min(limit, ...this.holders(key).map((one) => one.claim.limit));
        return this.holders(key).length < most;
      }
    },
  },
  {
    defect: "the limit of the first of many keys is looked at",
    rejectedBy: "limit: a limit holds for each of many keys",
    Store: class extends ReferenceStore {
      override fits(claim: Claim, key: string): boolean {
        return key !== claim.keys[0] || super.fits(claim, key);
      }
    },
  },
  {
    defect: "a key keeps the limit that it was held with",
    rejectedBy: "limit: a key that nobody holds any more may be held with another limit",
    Store: class extends ReferenceStore {
      readonly limits: Map<string, number> = new Map();
      override fits(claim: Claim, key: string): boolean {
        const limit = this.limits.get(key) ?? claim.limit;
        this.limits.set(key, limit);
        return limit === claim.limit && super.fits(claim, key);
      }
    },
  },
  {
    defect: "a release of what has expired is told to have freed it",
    rejectedBy: "release: an expired key is false",
    Store: class extends ReferenceStore {
      readonly gone: Set<string> = new Set();
      override expire(): void {
        for (const { end, claim } of this.grants.values())
          if (end <= this.now()) for (const key of claim.keys) this.gone.add(`${claim.ownerId} ${key}`);
        super.expire();
      }
      override freeKey(key: string, ownerId: string | null): boolean {
        return super.freeKey(key, ownerId) || this.gone.delete(`${ownerId} ${key}`);
      }
    },
  },
  {
    defect: "a release by owner frees all keys of a lock",
    rejectedBy: "release: frees of a lock on many keys only those that were named",
    Store: class extends ReferenceStore {
      override drop(grant: Grant): void {
        this.grants.delete(grant.id);
      }
    },
  },
  {
    defect: "a release by owner frees one permit of those that are held without an owner",
    rejectedBy: "release: without an owner it frees all the permits that are held without one, and no other",
    Store: class extends ReferenceStore {
      override freeKey(key: string, ownerId: string | null): boolean {
        const own = this.holders(key).find((grant) => this.isOwners(grant, ownerId));
        if (own !== undefined) this.drop(own, key);
        return own !== undefined;
      }
    },
  },
  {
    defect: "some of the keys of a lock are granted again apart from the others",
    rejectedBy:
      "reacquire: some of the keys of a lock are granted again in place: the fencing token stays, and so do the other keys",
    Store: class extends ReferenceStore {
      override grant(claim: Claim): Grant {
        for (const one of this.had(claim))
          if (one.keys.size > claim.keys.length) for (const key of claim.keys) this.drop(one, key);
        return super.grant(claim);
      }
    },
  },
  {
    defect: "a grant that is taken over in part is given up as a whole",
    rejectedBy:
      "reacquire: some held, some not: what was held beside them stays held, and is not released with them",
    Store: class extends ReferenceStore {
      override grant(claim: Claim): Grant {
        const had = this.had(claim);
        const made = super.grant(claim);
        for (const one of had) if (one !== made) this.grants.delete(one.id);
        return made;
      }
    },
  },
  {
    defect: "who renews a grant that was taken over renews what it has become",
    rejectedBy: "reacquire: some held, some not: the earlier handle is superseded, and extends nothing",
    Store: class extends ReferenceStore {
      override renewOne(renewal: Renewal): RenewReply {
        const heir = [...this.grants.values()].find(({ before }) =>
          before.some((one) => one.id === renewal.grantId),
        );
        return super.renewOne({ ...renewal, grantId: heir?.id ?? renewal.grantId });
      }
    },
  },
];
