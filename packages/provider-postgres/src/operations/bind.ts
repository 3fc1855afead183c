import { RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0010_session_bare.sql`. */
export const bindSignature = "locking_bind(text,text,bigint[],text[],bigint)";

export function bindCall(
  namespace: string,
  grantId: string,
  keys: readonly string[],
  transaction: bigint,
): Call {
  const held = new RequestKeys(namespace, [{ keys }]);
  return {
    name: "locking_bind",
    text: "SELECT locking_bind($1, $2, $3, $4, $5)",
    values: [namespace, grantId, held.hashes, held.keys, String(transaction)],
  };
}

export function readBindReply(rows: readonly Row[]): "bound" | "over" | "gone" {
  return rows[0]?.[0] as "bound" | "over" | "gone";
}

/** Which of these transactions are over. */
export function endedCall(transactions: readonly bigint[]): Call {
  return {
    name: "locking_ended",
    text: "SELECT t.id FROM unnest($1::bigint[]) AS t(id) WHERE NOT locking_alive(t.id)",
    values: [transactions.map(String)],
  };
}

export function readEndedReply(rows: readonly Row[]): bigint[] {
  return rows.map(([id]) => BigInt(id as string));
}
