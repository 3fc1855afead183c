import type { Claim, TakeReply } from "@lock/core";
import type { Broken } from "./catalogue.ts";
import { ReferenceStore } from "./reference-store.ts";

/** What a service meets only when replies are lost or come late. */
export const storeCatalogue: readonly Broken[] = [
  {
    defect: "a claim that is asked again takes again",
    rejectedBy: "store: a repeated claim takes one permit",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        return super.takeOne({ ...claim, id: `${claim.id}.${this.token}` });
      }
    },
  },
  {
    defect: "a claim that is asked again is in its own way",
    rejectedBy:
      "store: a claim that is asked again, as after a lost reply, has the same grant and token, and takes nothing twice",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        if (!this.grants.has(claim.id)) return super.takeOne(claim);
        return { status: "busy", ownerId: null, freeIn: Infinity };
      }
    },
  },
  {
    defect: "a withdrawn claim takes along what its owner held before",
    rejectedBy:
      "store: withdrawing a claim frees only what it added: keys that its owner held go back to their grant",
    Store: class extends ReferenceStore {
      override withdraw(id: string): boolean {
        return this.grants.delete(id) || this.leave(id);
      }
    },
  },
];
