import type { Renewal, RenewReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore, type Grant } from "../references/reference-store.ts";

/** A store that tells nobody what releaseAll has freed: a renewal or the release has to find out. */
class Tacit extends ReferenceStore {
  override releaseAll(ownerId: string | null): void {
    const { events } = this;
    this.events = undefined;
    super.releaseAll(ownerId);
    this.events = events;
    this.advance();
  }
}

/** A lock that is not held any more. */
export const loss: readonly Broken[] = [
  {
    defect: "a lost lock is reported as held: every release has freed, every renewal has renewed",
    rejectedBy:
      "lost: a job whose lock was freed under it is never reported as a success: execute rejects with LOCK_LOST",
    Store: class extends Tacit {
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
    defect: "a loss is noticed late, only when the lock is released",
    rejectedBy: "lost: lock.signal aborts with the LockLostError that execute rejects with",
    Store: class extends Tacit {
      override renewOne(renewal: Renewal): RenewReply {
        super.renewOne(renewal);
        return { status: "renewed", remaining: renewal.lease };
      }
    },
  },
  {
    defect: "a renewal takes the lock again that was lost",
    rejectedBy: "lost: a lost lock is never silently taken again",
    Store: class extends Tacit {
      override renewOne(renewal: Renewal): RenewReply {
        const reply = super.renewOne(renewal);
        if (reply.status === "renewed" || renewal.keys.some((key) => this.holders(key).length > 0))
          return reply;
        const { grantId: id, keys, lease } = renewal;
        const rest = { ownerId: null, kind: "execute", limit: 1, keepLease: false, wait: false } as const;
        this.grant({ id, keys, lease, ...rest });
        return { status: "renewed", remaining: lease };
      }
    },
  },
  {
    defect: "renewal stops silently: it is answered, and nothing lasts longer",
    rejectedBy: "execute: holds for as long as the job runs: the lease is renewed in the background",
    Store: class extends ReferenceStore {
      override renewOne({ grantId, lease }: Renewal): RenewReply {
        this.expire();
        return this.grants.has(grantId) ? { status: "renewed", remaining: lease } : { status: "lost" };
      }
    },
  },
  {
    defect: "a renewal never shortens",
    rejectedBy: "extend: makes it last for expire from now, be it longer or shorter",
    Store: class extends ReferenceStore {
      override renewOne(renewal: Renewal): RenewReply {
        const end = this.grants.get(renewal.grantId)?.end ?? 0;
        const reply = super.renewOne(renewal);
        const grant = this.grants.get(renewal.grantId);
        if (grant !== undefined) grant.end = Math.max(grant.end, end);
        return reply;
      }
    },
  },
  {
    defect: "a lock whose loss was told is held for good",
    rejectedBy: "reentrancy: what the enclosing execute has lost it holds no longer: it may be taken anew",
    Store: class extends ReferenceStore {
      override isFreedByAll(grant: Grant, ownerId: string | null): boolean {
        if (grant.claim.kind === "acquire") return super.isFreedByAll(grant, ownerId);
        this.events?.lost([grant.id]);
        grant.end = Infinity;
        return false;
      }
      override freeGrant(id: string, keys: readonly string[]): boolean {
        return this.grants.get(id)?.end !== Infinity && super.freeGrant(id, keys);
      }
    },
  },
];
