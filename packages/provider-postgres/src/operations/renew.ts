import type { Renewal, RenewReply } from "@lock/core";
import { milliseconds, RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0003_renew.sql`. */
export const renewSignature = "locking_renew(text,bigint[],text[],json)";

const text = "SELECT n, ms FROM locking_renew($1, $2, $3, $4)";

export function renewCall(namespace: string, renewals: readonly Renewal[]): Call {
  const keys = new RequestKeys(namespace, renewals);
  const named = new Set<string>();
  const requests = renewals.map((renewal, n) => {
    const [key] = renewal.keys as [string];
    const solo = renewal.keys.length === 1 && !named.has(renewal.grantId) ? keys.placeOf(key) : null;
    named.add(renewal.grantId);
    return { n, id: renewal.grantId, solo, keys: keys.placesOf(renewal.keys), lease: milliseconds(renewal.lease) };
  });
  return { name: "locking_renew", text, values: [namespace, keys.hashes, keys.keys, JSON.stringify(requests)] };
}

export function readRenewReplies(renewals: readonly Renewal[], rows: readonly Row[]): RenewReply[] {
  const replies = renewals.map((): RenewReply => ({ status: "lost" }));
  for (const [n, ms] of rows) replies[Number(n)] = { status: "renewed", remaining: Number(ms) };
  return replies;
}
