import { CHECK_INTERVAL, type Renewal, type RenewReply } from "@lock/core";
import { readHandovers, type Handovers } from "./handovers.ts";
import { milliseconds, RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0009_session_release.sql`. */
export const renewSignature = "locking_renew(text,bigint[],text[],json,json,text)";

const text = "SELECT n, outcome, id, fence, place, ms FROM locking_renew($1, $2, $3, $4, $5, $6)";

export function renewCall(namespace: string, channel: string | null, renewals: readonly Renewal[]): Call {
  const keys = new RequestKeys(namespace, renewals);
  const named = new Set<string>();
  const plain: object[] = [];
  const others: object[] = [];
  for (const [n, { grantId: id, keys: wanted, lease: ms }] of renewals.entries()) {
    const places = keys.placesOf(wanted);
    const lease = milliseconds(ms);
    if (places.length === 1 && ms >= CHECK_INTERVAL && !named.has(id))
      plain.push({ n, id, solo: places[0], lease });
    else others.push({ n, id, keys: places, lease });
    named.add(id);
  }
  return {
    name: "locking_renew",
    text,
    values: [
      namespace,
      keys.hashes,
      keys.keys,
      JSON.stringify(plain),
      others.length === 0 ? null : JSON.stringify(others),
      channel,
    ],
  };
}

export function readRenewReplies(
  renewals: readonly Renewal[],
  rows: readonly Row[],
): { replies: RenewReply[]; handovers: Handovers } {
  const replies = renewals.map((): RenewReply => ({ status: "lost" }));
  const others: Row[] = [];
  for (const row of rows) {
    if (row[1] === "renewed") replies[Number(row[0])] = { status: "renewed", remaining: Number(row[5]) };
    else others.push(row.slice(1));
  }
  return { replies, handovers: readHandovers(others) };
}
