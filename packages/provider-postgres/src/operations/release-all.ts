import { readHandovers, type Handovers } from "./handovers.ts";
import type { Call, Row } from "./request.ts";

/** `migrations/0014_prior_chain.sql`. */
export const releaseAllSignature = "locking_release_all(text,text,text,bigint,bigint,integer)";

const text = "SELECT outcome, id, fence, place, ms FROM locking_release_all($1, $2, $3, $4, $5, $6)";

/** Keys for each call: each needs a lock in the server's table of locks, which others need too. */
const sliceSize = 500;

/** How far it has come. */
export interface ReleaseAllProgress {
  /** Only what was granted before; `null` at the start. */
  readonly bound: string | null;
  /** The hash after which to go on; `null` when everything is freed. */
  readonly after: string | null;
}

export const releaseAllStart: ReleaseAllProgress = { bound: null, after: String(-(2n ** 63n)) };

export const boundCall: Call = {
  name: "locking_bound",
  text: "SELECT nextval('locking_sequence')",
  values: [],
};

export function readBoundReply(rows: readonly Row[]): string | null {
  return rows[0]?.[0] ?? null;
}

export function releaseAllCall(
  namespace: string,
  channel: string | null,
  ownerId: string | null,
  { bound, after }: ReleaseAllProgress,
): Call {
  return {
    name: "locking_release_all",
    text,
    values: [namespace, channel, ownerId, bound, after, sliceSize],
  };
}

export function readReleaseAllReply(rows: readonly Row[]): {
  progress: ReleaseAllProgress;
  handovers: Handovers;
} {
  const [first, ...others] = rows;
  return {
    progress: { bound: first?.[2] ?? null, after: first?.[3] ?? null },
    handovers: readHandovers(others),
  };
}
