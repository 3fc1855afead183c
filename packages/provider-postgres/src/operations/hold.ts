import type { Call, Row } from "./request.ts";

/** `migrations/0010_session_bare.sql`. */
export const holdSignature = "locking_hold(text,text[],integer[],bigint[])";

/** The same for one claim of one key, `migrations/0012_session_quick.sql`. It does not look for tombstones. */
export const holdBareSignature = "locking_hold_bare(text,bigint)";

/** A claim to be taken bare. */
export interface Hold {
  readonly id: string;
  /** Of its keys, each once. */
  readonly hashes: readonly string[];
}

export function holdCall(namespace: string, holds: readonly Hold[]): Call {
  const [one] = holds;
  if (holds.length === 1 && one?.hashes.length === 1) {
    return {
      name: "locking_hold_bare",
      text: "SELECT locking_hold_bare($1, $2)",
      values: [namespace, one.hashes[0]],
    };
  }
  const claims = holds.flatMap(({ hashes }, index) => hashes.map(() => index + 1));
  return {
    name: "locking_hold",
    text: "SELECT unnest(locking_hold($1, $2, $3, $4))",
    values: [namespace, holds.map(({ id }) => id), claims, holds.flatMap(({ hashes }) => hashes)],
  };
}

/** A token for each, or `null` where it was refused. */
export function readHoldReplies(rows: readonly Row[]): (bigint | null)[] {
  return rows.map(([token]) => (token === null || token === undefined ? null : BigInt(token)));
}
