import type { Claim, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore } from "../references/reference-store.ts";

const rejectedBy =
  "leftovers: a claim that was refused, timed out, aborted or granted after a wait leaves no memory and no timer in its process";

/** What each contended claim leaves in its process. */
export const leaks: readonly Broken[] = [
  {
    defect: "a store remembers every claim that it has seen",
    rejectedBy,
    Store: class extends ReferenceStore {
      readonly seen: Set<string> = new Set();
      override takeOne(claim: Claim): TakeReply {
        this.seen.add(`seen ${claim.id}`);
        return super.takeOne(claim);
      }
    },
  },
  {
    defect: "a store sets a timer for every claim that waits and leaves it",
    rejectedBy,
    Store: class extends ReferenceStore {
      override enqueue(claim: Claim): number {
        setTimeout(() => this.expire(), claim.lease);
        return super.enqueue(claim);
      }
    },
  },
];
