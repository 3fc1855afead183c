import type {
  Claim,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  StoreEvents,
  TakeReply,
} from "@lock/core";
import type { Broken } from "../broken.ts";
import { ServedStore } from "../references/served-store.ts";

const unreachable =
  "faults: a backend that can't be reached is LOCK_UNAVAILABLE to every call, never held by someone else";

/** Defects that show when the backend is far away: out of reach, in another process's hands, or short of a waiter that died. */
export const remote: readonly Broken[] = [
  {
    defect: "a backend that is dead is reported as busy",
    rejectedBy: unreachable,
    Store: class extends ServedStore {
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        return await super
          .take(claims)
          .catch(() => claims.map(() => ({ status: "busy", ownerId: null, freeIn: Infinity }) as const));
      }
    },
  },
  {
    defect: "a release that a dead backend never heard of has freed nothing",
    rejectedBy: unreachable,
    Store: class extends ServedStore {
      override async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
        return await super
          .release(releases)
          .catch(() => releases.map(() => ({ status: "released", freed: false }) as const));
      }
    },
  },
  {
    defect: "a connection that was cut stays cut",
    rejectedBy: "faults: once the backend is back, calls succeed again without anyone's doing",
    Store: class extends ServedStore {
      broken = false;
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        if (this.broken) throw new Error("The connection was cut");
        return await super.take(claims).catch((error: unknown) => {
          this.broken = true;
          throw error;
        });
      }
    },
  },
  {
    defect: "a claim whose reply was lost is asked for as another, which takes twice",
    rejectedBy:
      "faults: a reply that is lost takes nothing twice: the grant that nobody heard of is found again, or given back",
    Store: class extends ServedStore {
      sent = 0;
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        return await super.take(claims.map((claim) => ({ ...claim, id: `${claim.id}-${++this.sent}` })));
      }
    },
  },
  {
    defect: "a release by owner whose reply was lost is sent once more",
    rejectedBy:
      "faults: a release by owner whose reply was lost is LOCK_UNAVAILABLE, and never repeated: it could free a newer lock",
    Store: class extends ServedStore {
      override async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
        return await super.release(releases).catch(async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          return await super.release(releases);
        });
      }
    },
  },
  {
    defect: "a release that could not be sent counts as done, and is not sent again",
    rejectedBy: "faults: a release() that was LOCK_UNAVAILABLE may be called again, and frees the lock then",
    Store: class extends ServedStore {
      readonly tried: Set<string> = new Set();
      override async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
        const names = releases.map((release) => ("grantId" in release ? release.grantId : ""));
        if (names.every((name) => this.tried.has(name)))
          return releases.map(() => ({ status: "released", freed: true }) as const);
        return await super.release(releases).catch((error: unknown) => {
          for (const name of names) this.tried.add(name);
          throw error;
        });
      }
    },
  },
  {
    defect: "a release that could not be sent is a loss",
    rejectedBy:
      "faults: a release that can't be delivered after the job is done is left to the lease: the job's result is not thrown away",
    Store: class extends ServedStore {
      override async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
        return await super
          .release(releases)
          .catch(() => releases.map(() => ({ status: "released", freed: false }) as const));
      }
    },
  },
  {
    defect: "a waiter that was told its place does not look again: a lost wake-up stalls it",
    rejectedBy: "faults: a wake-up that is lost costs at most 5 s, never a turn",
    Store: class extends ServedStore {
      readonly places: Map<string, TakeReply> = new Map();
      override async connect(context: StoreContext): Promise<void> {
        const { events: all } = context;
        const events: StoreEvents = {
          granted: (handover) => {
            this.places.delete(handover.claimId);
            all.granted(handover);
          },
          wake: (ids) => all.wake(ids),
          wakeAll: () => all.wakeAll(),
          lost: (ids, cause) => all.lost(ids, cause),
          lostAll: (cause) => all.lostAll(cause),
        };
        await super.connect({ ...context, events });
      }
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        const known = claims.map(({ id }) => this.places.get(id));
        if (known.every((reply) => reply !== undefined)) return known;
        const replies = await super.take(claims);
        for (const [n, reply] of replies.entries())
          if (reply.status === "queued") this.places.set(claims[n]!.id, reply);
        return replies;
      }
    },
  },
  {
    defect: "a renewal that could not be asked for is taken for granted",
    rejectedBy:
      "faults: a holder that can't reach the backend is told before another gets in, and LOCK_LOST is what its job comes to",
    Store: class extends ServedStore {
      override async renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
        const renewed = renewals.map(({ lease }) => ({ status: "renewed", remaining: lease }) as const);
        const late = new Promise<typeof renewed>((resolve) => setTimeout(resolve, 100, renewed).unref());
        return await Promise.race([super.renew(renewals).catch(() => renewed), late]);
      }
    },
  },
  {
    defect: "what remains of a lease is counted from the reply",
    rejectedBy:
      "faults: a holder that can't reach the backend is told before another gets in, and LOCK_LOST is what its job comes to",
    Store: class extends ServedStore {
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        const replies = await super.take(claims);
        return replies.map((reply) =>
          reply.status === "granted" ? { ...reply, remaining: reply.remaining + 1_000 } : reply,
        );
      }
    },
  },
  {
    defect: "expiry goes by the client's clock",
    rejectedBy:
      "processes: expire goes by the backend's clock: a process whose own is an hour wrong neither loses a lock nor takes one early",
    Store: class extends ServedStore {
      override readonly kind: string = "expiry as the client says";
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        return await super.take(claims.map((claim) => ({ ...claim, lease: Date.now() + claim.lease })));
      }
    },
  },
  {
    defect: "tokens are made of the client's clock",
    rejectedBy: "processes: fencing tokens depend on no process's wall clock",
    Store: class extends ServedStore {
      override async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
        const token = BigInt(Date.now());
        return (await super.take(claims)).map((reply) =>
          reply.status === "granted" ? { ...reply, token } : reply,
        );
      }
    },
  },
  {
    defect: "a dead waiter keeps its place",
    rejectedBy:
      "crashes: a waiter that was killed with a claim on many keys blocks none of them longer than 10 s",
    Store: class extends ServedStore {
      override readonly kind: string = "dead waiters stay";
    },
  },
  {
    defect: "a grant that is handed to a dead waiter is for good",
    rejectedBy:
      "crashes: a grant that is handed to a waiter which turns out dead delays the next by at most 10 s, also where it was not to expire",
    Store: class extends ServedStore {
      override readonly kind: string = "hand-overs are for good";
    },
  },
  {
    defect: "a timer keeps the process up when the service is closed",
    rejectedBy:
      "processes: a process ends by itself once its service is closed: no timer and no connection is left",
    Store: class extends ServedStore {
      override async connect(context: StoreContext): Promise<void> {
        await super.connect(context);
        setInterval(() => {}, 1_000);
      }
    },
  },
];
