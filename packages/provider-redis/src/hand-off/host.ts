import { setTimeout as pause } from "node:timers/promises";
import type { Claim, ReleaseReply } from "@lock/core";
import type { Bucket } from "../bucket.ts";
import type { Connection } from "../connection.ts";
import type { NotedRelease } from "../operations/release.ts";
import type { Stand, StandReply } from "../operations/stand.ts";
import { FREED } from "./hold.ts";

/** Milliseconds between two tries of giving a grant back. */
const PAUSE = 200;

/** What holds need of the server. */
export interface HandOffHost {
  /** What the connection is now; another may lead to another server. */
  readonly standing: number;
  /** Since when, by the monotonic clock, it is heard who queues at the server; `null`: it is not. */
  readonly listeningSince: number | null;
  stand(request: Omit<Stand, "channel">): Promise<StandReply>;
  /** A claim that stands in the queue without need leaves it. */
  withdraw(claim: Claim): void;
  /** Frees a grant that no caller has any more, however often that must be asked; at the latest its lease does. */
  giveBack(grant: GivenBack): Promise<ReleaseReply>;
}

export interface GivenBack {
  readonly grantId: string;
  readonly key: string;
  readonly tombstone: boolean;
  /** Whether a note of it stands at the key. */
  readonly noted: boolean;
  /** By the monotonic clock. */
  readonly until: number;
}

/** The server, as far as those concern it who hand locks on inside this process. */
export function handOffHost(
  bucket: Bucket,
  connection: Connection,
  listeningSince: () => number | null,
  callTimeout: number,
): HandOffHost {
  return {
    get standing() {
      return connection.standing;
    },
    get listeningSince() {
      return connection.ready ? listeningSince() : null;
    },
    async stand(request) {
      let timer: NodeJS.Timeout | undefined;
      const overdue = new Promise<StandReply>((_, reject) => {
        timer = setTimeout(
          () => reject(new Error(`Redis gave no answer within ${callTimeout} ms`)),
          callTimeout,
        );
        timer.unref();
      });
      try {
        return await Promise.race([bucket.stand(request), overdue]);
      } finally {
        clearTimeout(timer);
      }
    },
    withdraw({ id, keys }) {
      // A place that stays ends by itself.
      bucket.release([{ by: "claim", claimId: id, keys, tombstone: false }]).catch(() => {});
    },
    async giveBack({ grantId, key, tombstone, noted, until }) {
      const release: NotedRelease = { by: "grant", grantId, keys: [key], tombstone, noted };
      for (let tries = 1; ; tries += 1) {
        try {
          const [reply] = await bucket.release([release]);
          // An earlier try may have freed it, and its answer was lost.
          return tries > 1 && reply?.status === "released" ? FREED : (reply as ReleaseReply);
        } catch (error) {
          // Its lease frees it.
          if (connection.closed || performance.now() >= until) return { status: "failed", error };
          await pause(PAUSE, undefined, { ref: false });
        }
      }
    },
  };
}
