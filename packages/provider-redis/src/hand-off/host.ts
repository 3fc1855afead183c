import { setTimeout as pause } from "node:timers/promises";
import type { Claim, Release, ReleaseReply } from "@lock/core";
import type { Bucket } from "../bucket.ts";
import type { Connection } from "../connection.ts";
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
  /** Who queues need not tell any more. */
  unannounce(key: string): void;
  /** Frees a grant that no caller has any more, however often that must be asked; at the latest its lease does. */
  giveBack(grantId: string, key: string, tombstone: boolean, until: number): Promise<ReleaseReply>;
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
    unannounce: (key) => bucket.unannounce(key),
    async giveBack(grantId, key, tombstone, until) {
      const release: Release = { by: "grant", grantId, keys: [key], tombstone };
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
