import { setTimeout as pause } from "node:timers/promises";
import type { Bucket } from "../bucket.ts";
import type { Connection } from "../connection.ts";
import type { StandReply } from "../operations/stand.ts";
import type { HoldsHost } from "./holds.ts";

/** Milliseconds between two tries of giving a grant back. */
const PAUSE = 200;

/** The server, as far as those concern it who hand locks on inside this process. */
export function handOffHost(
  bucket: Bucket,
  connection: Connection,
  listeningSince: () => number | null,
  callTimeout: number,
): HoldsHost {
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
      do {
        try {
          await bucket.release([{ by: "grant", grantId, keys: [key], tombstone }]);
          return;
        } catch {
          await pause(PAUSE, undefined, { ref: false });
        }
      } while (!connection.closed && performance.now() < until);
    },
  };
}
