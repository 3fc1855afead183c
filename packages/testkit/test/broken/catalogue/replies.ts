import type { Claim, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** What a service meets only when replies are lost or come late. */
export const replies: readonly Broken[] = [
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
  {
    defect: "a withdrawn claim gives back what its owner has let go of since",
    rejectedBy:
      "store: withdrawing a claim gives back nothing that its owner has let go of since, and that another may hold",
    Store: class extends ReferenceStore {
      override restore(one: Grant): void {
        this.grants.set(one.id, one);
      }
    },
  },
  {
    defect: "a grant that was released comes back when the claim that took it over is withdrawn",
    rejectedBy:
      "store: withdrawing a claim brings back no grant of its owner's that was released since it was taken over",
    Store: class extends ReferenceStore {
      override forget(): void {}
    },
  },
  {
    defect: "a grant that came late is never given back",
    rejectedBy: "store: withdrawing a claim frees what it took; a second time there is nothing to free",
    Store: class extends ReferenceStore {
      override withdraw(id: string): boolean {
        return this.leave(id);
      }
    },
  },
  {
    defect: "a claim that waits loses its place when it is asked again",
    rejectedBy:
      "store: a claim that waits keeps its place when it is asked again, and is handed what is freed",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        this.leave(claim.id);
        return super.takeOne(claim);
      }
    },
  },
  {
    defect: "one refusal refuses all that travel with it",
    rejectedBy:
      "store: several requests in one call are answered in their order, and the refusal of one touches no other",
    Store: class extends ReferenceStore {
      override take(claims: readonly Claim[]): TakeReply[] {
        const answers = super.take(claims);
        const busy = answers.find((reply) => reply.status === "busy");
        if (busy === undefined) return answers;
        for (const { id } of claims) this.withdraw(id);
        return answers.map(() => busy);
      }
    },
  },
];
