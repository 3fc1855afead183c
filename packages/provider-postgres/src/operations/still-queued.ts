import type { Call, Row } from "./request.ts";

/** Which of these claims still wait. */
export function stillQueuedCall(claimIds: readonly string[]): Call {
  return {
    name: "locking_still_queued",
    text: "SELECT DISTINCT claim_id FROM locking_queue WHERE claim_id = ANY($1)",
    values: [claimIds],
  };
}

export function readStillQueuedReply(rows: readonly Row[]): Set<string> {
  return new Set(rows.map(([claimId]) => claimId as string));
}
