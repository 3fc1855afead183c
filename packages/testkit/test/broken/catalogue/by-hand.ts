import { LockLostError, type ProviderExecuteArgs, type ProviderGrant } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceClass, type Tenant } from "../references/reference-class.ts";

/** What a class that does its own waiting and releasing can get wrong. */
export const byHand: readonly Broken[] = [
  {
    defect: "an abort leaves its queue place",
    rejectedBy: "order: a waiter that was aborted blocks nobody any longer",
    Class: class extends ReferenceClass {
      override listen(): void {}
    },
  },
  {
    defect: "a waiter that timed out takes the lock later",
    rejectedBy: "timeout: one that timed out is never granted later",
    Class: class extends ReferenceClass {
      override withdraw(): void {}
    },
  },
  {
    defect: "it waits without end, whatever the timeout",
    rejectedBy: "timeout: a string is taken at its word: it waits that long, then LOCK_TIMEOUT",
    Class: class extends ReferenceClass {
      override timer(): undefined {}
    },
  },
  {
    defect: "the timer of a wait that ended well is left",
    rejectedBy:
      "leftovers: a claim that was refused, timed out, aborted or granted after a wait leaves no memory and no timer in its process",
    Class: class extends ReferenceClass {
      override clear(): void {}
    },
  },
  {
    defect: "a loss is never noticed: the job's result is reported as a success",
    rejectedBy:
      "lost: a job whose lock was freed under it is never reported as a success: execute rejects with LOCK_LOST",
    Class: class extends ReferenceClass {
      override lose(): void {}
    },
  },
  {
    defect: "a loss is noticed late, when the job is done",
    rejectedBy: "lost: lock.signal aborts with the LockLostError that execute rejects with",
    Class: class extends ReferenceClass {
      override lose(): void {}
      override leave(tenant: Tenant): void {
        const gone = tenant.keys.some((key) => this.table.get(key) !== tenant);
        super.leave(tenant);
        if (gone) throw new LockLostError("Lost the lock", { keys: tenant.keys });
      }
    },
  },
  {
    defect: "the release of a lost lock frees the next holder's",
    rejectedBy: "lost: the release of a lost lock never frees the next holder's",
    Class: class extends ReferenceClass {
      override leave(tenant: Tenant): void {
        for (const key of tenant.keys) this.table.delete(key);
        this.advance();
      }
    },
  },
  {
    defect: "it lets go before the job is done",
    rejectedBy: "execute: holds the keys while the job runs, and no longer",
    Class: class extends ReferenceClass {
      override async work<T>(tenant: Tenant, job: (grant: ProviderGrant) => Promise<T>): Promise<T> {
        const done = job({ fencingToken: tenant.token });
        this.leave(tenant);
        return await done;
      }
    },
  },
  {
    defect: "it does not let go when the job fails",
    rejectedBy: "execute: lets go when the job fails",
    Class: class extends ReferenceClass {
      override async work<T>(tenant: Tenant, job: (grant: ProviderGrant) => Promise<T>): Promise<T> {
        const value = await job({ fencingToken: tenant.token, signal: tenant.job!.signal });
        this.leave(tenant);
        return value;
      }
    },
  },
  {
    defect: "execute holds only what nobody else asks for: it takes its turn without looking who is there",
    rejectedBy: "execute: waits its turn",
    Class: class extends ReferenceClass {
      override async enter(tenant: Tenant, args: ProviderExecuteArgs, waits: boolean): Promise<Tenant> {
        if (tenant.job === null) return await super.enter(tenant, args, waits);
        await Promise.resolve();
        return this.take(tenant);
      }
    },
  },
  {
    defect: "two instances in one process share one table",
    rejectedBy: "service: two instances of a process-scoped provider are worlds of their own",
    Class: class One extends ReferenceClass {
      static readonly table: Map<string, Tenant> = new Map();
      override table: Map<string, Tenant> = One.table;
    },
  },
];
