/** A defect made by writing something else in place of a part of the functions. */
export interface Defect {
  readonly defect: string;
  /** The title of the case that must find it out. */
  readonly rejectedBy: string;
  readonly instead: readonly (readonly [of: string, write: string])[];
}

export const defects: readonly Defect[] = [
  {
    defect: "release does not check the owner",
    rejectedBy: "release: with an owner it frees nobody else's lock",
    instead: [["l.owner_id IS NOT DISTINCT FROM p_owner", "true"]],
  },
  {
    defect: "release does not check the grant",
    rejectedBy: "handle: release() touches only its own grant: not the lock of who came later",
    instead: [
      ["l.hash = p_hash AND l.claim_id = p_id AND l.key = p_key", "l.hash = p_hash AND l.key = p_key"],
    ],
  },
  {
    defect: "release is true when some of the keys were freed",
    rejectedBy:
      "release: returns true only if it freed something of every key, and frees the others all the same",
    instead: [["IF r.keys = cardinality(c.keys) THEN", "IF r.keys > 0 THEN"]],
  },
  {
    defect: "the expiry of a holder is not looked at",
    rejectedBy: "acquire: with expire it is held that long, and free afterwards without anyone cleaning up",
    instead: [["l.key = wanted.key AND l.expires_at > p_now", "l.key = wanted.key"]],
  },
  {
    defect: "a renewal brings an expired lock back",
    rejectedBy: "store: renewing what has expired is lost, also where nobody has taken it since",
    instead: [["AND o.expires_at > v_now", ""]],
  },
  {
    defect: "a token is given twice",
    rejectedBy: "fencing: across release, by whatever means",
    instead: [["nextval('locking_sequence')", "1"]],
  },
  {
    defect: "tokens of what is handed over are not drawn",
    rejectedBy: "fencing: a waiter's token is greater than that of the one it waited for",
    instead: [
      ["v_token bigint := nextval('locking_sequence')", "v_token bigint := 1"],
      ["q.permits, nextval('locking_sequence')", "q.permits, 1"],
    ],
  },
  {
    defect: "a tombstone is ignored",
    rejectedBy: "store: a claim that was withdrawn before it arrived takes nothing",
    instead: [
      [
        "FROM locking_withdrawn w WHERE w.claim_id",
        "FROM locking_withdrawn w WHERE w.expires_at = '-infinity' AND w.claim_id",
      ],
    ],
  },
  {
    defect: "a claim that is asked again is granted anew",
    rejectedBy:
      "store: a claim that is asked again, as after a lost reply, has the same grant and token, and takes nothing twice",
    instead: [["IF r.held = v_size THEN", "IF false THEN"]],
  },
  {
    defect: "a withdrawn claim takes along what its owner held before",
    rejectedBy:
      "store: withdrawing a claim frees only what it added: keys that its owner held go back to their grant",
    instead: [["WHERE l.ctid = back.at AND back.prior IS NOT NULL", "WHERE false"]],
  },
  {
    defect: "the wake-up goes to nobody",
    rejectedBy:
      "push: a release wakes the next waiter without polling: twenty in a row, all of whom have waited a while [two services]",
    instead: [
      ["PERFORM pg_notify(told,", "PERFORM pg_notify(told || '?',"],
      ["PERFORM pg_notify(q.channel,", "PERFORM pg_notify(q.channel || '?',"],
    ],
  },
  {
    defect: "a hand-over is for good before its waiter is heard of",
    rejectedBy:
      "store: a hand-over that nobody confirms has a short lease, which asking or renewing makes the claim's own",
    instead: [["least(q.lease, 8000)", "q.lease"]],
  },
  {
    defect: "a dead waiter keeps its place",
    rejectedBy:
      "crashes: a waiter that was killed with a claim on many keys blocks none of them longer than 10 s",
    instead: [
      ["AND q.expires_at > p_now", ""],
      ["IF q.expires_at <= v_now", "IF false"],
    ],
  },
  {
    defect: "last come, first served",
    rejectedBy: "order: first come, first served",
    instead: [
      ["ORDER BY l.ticket\n", "ORDER BY l.ticket DESC\n"],
      ["q.ticket < p_ticket", "q.ticket > p_ticket"],
    ],
  },
  {
    defect: "who does not wait passes those who do",
    rejectedBy:
      "order: nobody who does not wait passes an earlier waiter: a free key with a waiter is refused",
    instead: [["coalesce(v_place, 9223372036854775807)", "coalesce(v_place, 0)"]],
  },
  {
    defect: "readers join readers, whoever waits",
    rejectedBy: "order: a waiting writer is not starved by later readers",
    instead: [["AS ahead ON NOT held.own", "AS ahead ON NOT held.own AND p_permits < 'Infinity'"]],
  },
  {
    defect: "nobody is told when the lease in the way ends",
    rejectedBy:
      "store: who is queued is told when the first lease in its way ends, so that it can look then; who is refused as well",
    instead: [
      ["ms := locking_left(x.free_at, v_now); owner", "ms := 'Infinity'; owner"],
      ["ms := locking_left(v_free_at, v_now)", "ms := 'Infinity'"],
    ],
  },
  {
    defect: "a permit too many",
    rejectedBy: "limit: n permits: n may hold the key at once, and no more",
    instead: [["count(*) >= p_permits", "count(*) > p_permits"]],
  },
  {
    defect: "releaseAll ignores the namespace",
    rejectedBy: "releaseAll: and only there",
    instead: [
      [
        "l.namespace = p_namespace AND l.owner_id = p_owner AND l.hash > p_after",
        "l.owner_id = p_owner AND l.hash > p_after",
      ],
      ["l.namespace = p_namespace AND l.hash = u.hash", "l.hash = u.hash"],
    ],
  },
];
