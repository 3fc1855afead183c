import { halves, namespaceMark } from "./advisory.ts";
import type { Call, Row } from "./request.ts";

/** How long, in milliseconds, a session may take to end. */
const patience = 3_000;

// Who looks whether a session is alive has its number for a moment too, in the other mode.
const heldBy = `
SELECT DISTINCT l.pid FROM pg_locks l
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
   AND l.mode = $4 AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND l.classid::bigint = $1::integer::bigint & 4294967295 AND l.objid::bigint = $2::integer::bigint & 4294967295`;

// All are told before any is waited for: who is handed a lock by the end of one must not lose it by the end of the next.
const text = `
WITH ours AS MATERIALIZED (${heldBy}),
told AS MATERIALIZED (SELECT o.pid, pg_terminate_backend(o.pid) AS told FROM ours o),
every AS MATERIALIZED (SELECT count(*) AS count FROM told)
SELECT pg_terminate_backend(t.pid, $3) FROM every e, told t WHERE t.told AND e.count > 0`;

/** Ends the lock sessions of a namespace, of all processes, and waits until they are gone. */
export function endSessionsCall(namespace: string): Call {
  return { name: "", text, values: [...halves(namespaceMark(namespace)), patience, "ShareLock"] };
}

/** Ends one that this process has lost and that the server may still hold on to. */
export function endSessionCall(session: bigint): Call {
  return { name: "", text, values: [...halves(session), patience, "ExclusiveLock"] };
}

/** Whether they are gone. */
export function readEndReply(rows: readonly Row[]): boolean {
  return rows.every(([gone]) => gone === "t");
}
