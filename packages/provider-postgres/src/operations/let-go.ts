import { halves } from "./advisory.ts";
import type { Call, Row } from "./request.ts";

/** `migrations/0010_session_bare.sql`. */
export const letGoSignature = "locking_let_go(text,bigint[])";

/** The same for one key, `migrations/0012_session_quick.sql`. */
export const letGoOneSignature = "locking_let_go_one(text,bigint)";

export type LetGoOutcome = "gone" | "freed" | "wanted";

export function letGoCall(namespace: string, hashes: readonly string[]): Call {
  if (hashes.length === 1) {
    return {
      name: "locking_let_go_one",
      text: "SELECT locking_let_go_one($1, $2)",
      values: [namespace, hashes[0]],
    };
  }
  return {
    name: "locking_let_go",
    text: "SELECT unnest(locking_let_go($1, $2))",
    values: [namespace, hashes],
  };
}

export function readLetGoReplies(rows: readonly Row[]): LetGoOutcome[] {
  return rows.map(([outcome]) => outcome as LetGoOutcome);
}

/** Frees what a call that failed may have left locked, without a function of ours: it may be what is missing. */
export function undoCall(hashes: readonly string[]): Call {
  const pairs = hashes.map((hash) => halves(BigInt(hash)));
  return {
    name: "",
    text: "SELECT pg_advisory_unlock(k.high, k.low) FROM unnest($1::integer[], $2::integer[]) AS k(high, low)",
    values: [pairs.map(([high]) => high), pairs.map(([, low]) => low)],
  };
}
