import type { Holder, KeyState } from "@lock/core";
import { RequestKeys, type Call, type Row } from "./request.ts";

// An owner that holds the key already does not wait for it, whatever else its claim waits for.
const text = `
SELECT w.key, q.waiting, l.owner_id, l.token, l.permits, locking_left(l.expires_at, clock_timestamp())
  FROM unnest($2::bigint[], $3::text[]) AS w(hash, key)
 CROSS JOIN LATERAL (
   SELECT count(*) AS waiting FROM locking_queue q
    WHERE q.namespace = $1 AND q.hash = w.hash AND q.key = w.key AND q.expires_at > clock_timestamp()
      AND NOT (q.owner_id IS NOT NULL AND EXISTS (
        SELECT FROM locking o
         WHERE o.namespace = $1 AND o.hash = w.hash AND o.key = w.key AND o.expires_at > clock_timestamp()
           AND o.owner_id = q.owner_id AND o.permits = q.permits))
 ) AS q
  LEFT JOIN LATERAL (
   SELECT * FROM locking o
    WHERE o.namespace = $1 AND o.hash = w.hash AND o.key = w.key AND o.expires_at > clock_timestamp() OFFSET 0
 ) AS l ON true
 ORDER BY l.token`;

export function inspectCall(namespace: string, keys: readonly string[]): Call {
  const { hashes, keys: sorted } = new RequestKeys(namespace, [{ keys }]);
  return { name: "locking_inspect", text, values: [namespace, hashes, sorted] };
}

export function readInspectReplies(keys: readonly string[], rows: readonly Row[]): KeyState[] {
  const states = new Map(keys.map((key) => [key, { key, holders: [] as Holder[], waiting: 0 }]));
  for (const [key, waiting, ownerId, token, permits, remaining] of rows) {
    const state = states.get(key as string);
    if (state === undefined) continue;
    state.waiting = Number(waiting);
    if (token === null || token === undefined) continue;
    state.holders.push({
      ownerId: ownerId ?? null,
      fencingToken: BigInt(token),
      limit: Number(permits),
      remaining: Number(remaining),
    });
  }
  return keys.map((key) => states.get(key) as KeyState);
}
