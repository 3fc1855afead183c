import type { Holder, KeyState } from "@lock/core";
import { halves, namespaceMark } from "./advisory.ts";
import { RequestKeys, type Call, type Row } from "./request.ts";

// An owner that holds the key already does not wait for it, whatever else its claim waits for. Who is alive is read from the list of locks, not
// found out by trying, as the functions do: whoever wants the key in that moment would find it held.
const text = `
WITH held AS MATERIALIZED (
  SELECT l.classid::bigint AS high, l.objid::bigint AS low, l.pid FROM pg_locks l
   WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.mode = 'ExclusiveLock'
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
), sessions AS MATERIALIZED (
  SELECT l.pid FROM pg_locks l
   WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
     AND l.classid::bigint = $4::integer::bigint & 4294967295 AND l.objid::bigint = $5::integer::bigint & 4294967295
)
SELECT w.key, q.waiting, l.owner_id, l.token, l.permits, locking_left(l.expires_at, clock_timestamp()),
       l.token IS NULL AND EXISTS (
         SELECT FROM held b JOIN sessions s ON s.pid = b.pid
          WHERE b.high = (w.hash >> 32) & 4294967295 AND b.low = w.hash & 4294967295)
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
    WHERE o.namespace = $1 AND o.hash = w.hash AND o.key = w.key AND o.expires_at > clock_timestamp()
      AND (o.session IS NULL OR EXISTS (
        SELECT FROM held b WHERE b.high = (o.session >> 32) & 4294967295 AND b.low = o.session & 4294967295))
   OFFSET 0
 ) AS l ON true
 ORDER BY l.token`;

export function inspectCall(namespace: string, keys: readonly string[]): Call {
  const { hashes, keys: sorted } = new RequestKeys(namespace, [{ keys }]);
  return {
    name: "locking_inspect",
    text,
    values: [namespace, hashes, sorted, ...halves(namespaceMark(namespace))],
  };
}

export function readInspectReplies(keys: readonly string[], rows: readonly Row[]): KeyState[] {
  const states = new Map(keys.map((key) => [key, { key, holders: [] as Holder[], waiting: 0 }]));
  for (const [key, waiting, ownerId, token, permits, remaining, bare] of rows) {
    const state = states.get(key as string);
    if (state === undefined) continue;
    state.waiting = Number(waiting);
    // A bare lock is exclusive, lasts as long as its session, and tells nothing else.
    if (bare === "t")
      state.holders.push({ ownerId: null, fencingToken: null, limit: 1, remaining: Infinity });
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
