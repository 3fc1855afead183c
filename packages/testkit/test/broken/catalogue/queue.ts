import { HANDOVER_LEASE, type Claim, type TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant, type Place } from "../references/reference-store.ts";

class TellingTheFirst extends ReferenceStore {
  override tellOfEnd(lease: number): void {
    super.tellOfEnd(lease, this.queue.slice(0, 1));
  }
}

/** Who gets in, and when. */
export const queue: readonly Broken[] = [
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
    defect: "an owner takes a second permit",
    rejectedBy: "owners: an owner has at most one permit of a key",
    Store: class extends ReferenceStore {
      override had(): Grant[] {
        return [];
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
    defect: "a newcomer takes what is free, though an owner waits that holds nothing of it",
    rejectedBy: "order: nobody who does not wait passes an earlier waiter with an owner either",
    Store: class extends ReferenceStore {
      override isPassing(_claim: Claim, key: string, ticket: number): boolean {
        return this.queue.some(
          (earlier) =>
            earlier.claim.ownerId === null && earlier.ticket < ticket && this.lacks(earlier.claim, key),
        );
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
    defect: "a waiter keeps its place when it is granted, and is granted once more",
    rejectedBy: "lost: who waits gets the lock that was freed under a job, and only once",
    Store: class extends ReferenceStore {
      override handTo(place: Place): void {
        super.handTo(place);
        this.queue.push({ ...place, claim: { ...place.claim, id: `${place.claim.id}.again` } });
      }
    },
  },
  {
    defect: "a hand-over wakes nobody",
    rejectedBy:
      "push: a release wakes the next waiter without polling: twenty in a row, all of whom have waited a while",
    Store: class extends ReferenceStore {
      override handTo({ claim }: Place): void {
        this.grant(claim);
      }
    },
  },
  {
    defect: "a lease that ends is nobody's turn until it is released",
    rejectedBy: "order: a lease that ends with nobody there to release it passes on within 1 s",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        return reply.status === "queued" ? { ...reply, checkIn: Infinity } : reply;
      }
    },
  },
  {
    defect: "only who is first when a lease comes to end sooner learns of it: who is first after it does not",
    rejectedBy:
      "order: a lease that comes to end sooner passes on within 1 s of its end, also where the first in line has timed out",
    Store: TellingTheFirst,
  },
  {
    defect: "who is first when a lease comes to end sooner learns of it, and nobody after it when it gets in",
    rejectedBy:
      "order: a lease that comes to end sooner passes on within 1 s of its end, also where the first in line got in by another permit",
    Store: TellingTheFirst,
  },
  {
    defect: "a shared key is handed to one reader at a time",
    rejectedBy: "limit: when a writer lets go, all the readers that wait get in together",
    Store: class extends ReferenceStore {
      override advance(): void {
        const [first, ...others] = this.queue;
        if (first === undefined) return;
        this.queue = [first];
        super.advance();
        this.queue.push(...others);
      }
    },
  },
  {
    defect: "who asks when a lease has ended gets the short one of a hand-over, whatever it asked for",
    rejectedBy:
      "order: a lease that ends passes on for as long as the next has asked for: without expire it does not expire",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const waited = this.queue.some((place) => place.claim.id === claim.id);
        const reply = super.takeOne(claim);
        if (!waited || reply.status !== "granted") return reply;
        const grant = this.grants.get(reply.grantId)!;
        grant.end = Math.min(grant.end, this.now() + HANDOVER_LEASE);
        return this.granted(grant);
      }
    },
  },
  {
    defect: "what a claim on many keys leaves to share of the others is not handed on",
    rejectedBy:
      "limit: who may share one of many keys gets in together with the claim on them that it waited behind",
    Store: class extends ReferenceStore {
      readonly #others = new Set<string>();
      override advance(): void {
        super.advance();
        this.#others.clear();
      }
      override handTo(place: Place): void {
        super.handTo(place);
        for (const key of place.claim.keys.slice(1)) this.#others.add(key);
      }
      override mayTake(claim: Claim, ticket: number): boolean {
        return !claim.keys.some((key) => this.#others.has(key)) && super.mayTake(claim, ticket);
      }
    },
  },
];
