import { performance } from "node:perf_hooks";
import type { Claim } from "@lock/core";
import type { Grant, Place } from "../references/reference-store.ts";
import { Backend } from "../references/shared-store.ts";

/** The backends that a server keeps: the correct one, and those whose defect is in the backend. */
export const backendKinds: ReadonlyMap<string, new () => Backend> = new Map<string, new () => Backend>([
  ["correct", Backend],
  [
    "dead waiters stay",
    class extends Backend {
      override isDead(): boolean {
        return false;
      }
    },
  ],
  [
    "hand-overs are for good",
    class extends Backend {
      override handTo(place: Place): void {
        super.handTo(place);
        this.confirm(place.claim.id, place.claim.lease);
      }
    },
  ],
  [
    "expiry as the client says",
    class extends Backend {
      /** `lease` is the time by the client's wall clock at which the lock is to end. */
      override grant(claim: Claim): Grant {
        return super.grant({ ...claim, lease: claim.lease - (performance.timeOrigin + performance.now()) });
      }
    },
  ],
]);
