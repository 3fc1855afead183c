import type { Call, Row } from "./request.ts";

/** `migrations/0009_session_release.sql`. */
export const sweepSignature = "locking_sweep(bigint,integer)";

/** 2 MB of the table for each call: a few milliseconds, whatever the size of the table. */
const pages = 256;

/** `page`: where the last sweep said to go on; `null`: begin anywhere. */
export function sweepCall(page: string | null): Call {
  return { name: "locking_sweep", text: "SELECT locking_sweep($1, $2)", values: [page, pages] };
}

export function readSweepReply(rows: readonly Row[]): string | null {
  return rows[0]?.[0] ?? null;
}
