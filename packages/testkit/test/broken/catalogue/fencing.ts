import type { Renewal, RenewReply, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** What a token is worth. */
export const fencing: readonly Broken[] = [
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
    defect: "tokens decrease",
    rejectedBy: "fencing: each grant's token is strictly greater than that of every earlier grant of the key",
    Store: class extends ReferenceStore {
      override nextToken(): bigint {
        return 1_000_000n - ++this.token;
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
    defect: "tokens begin anew for each key that nobody holds",
    rejectedBy: "fencing: across expiry",
    Store: class extends ReferenceStore {
      override expire(): void {
        super.expire();
        if (this.grants.size === 0) this.token = 0n;
      }
    },
  },
  {
    defect: "a token is new when its owner is granted again",
    rejectedBy: "reacquire: granted again in place, the fencing token stays",
    Store: class extends ReferenceStore {
      override granted(grant: Grant): TakeReply {
        return { ...super.granted(grant), token: this.nextToken() } as TakeReply;
      }
    },
  },
  {
    defect: "a token is new on renewal",
    rejectedBy: "fencing: renewing keeps it: by extend(), and under a running job",
    Store: class extends ReferenceStore {
      override renewOne(renewal: Renewal): RenewReply {
        const grant = this.grants.get(renewal.grantId);
        if (grant !== undefined) this.grants.set(grant.id, { ...grant, token: this.nextToken() });
        return super.renewOne(renewal);
      }
    },
  },
];
