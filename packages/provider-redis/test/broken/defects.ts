/** A defect made by writing something else in place of a part of the scripts. */
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
    instead: [["mine = kind == 'o' and owner == whose", "mine = true"]],
  },
  {
    defect: "release does not check the grant",
    rejectedBy: "handle: release() touches only its own grant: not the lock of who came later",
    instead: [["if by == 'g' then mine = id == whose", "if by == 'g' then mine = true"]],
  },
  {
    defect: "a lock is written without its expiry",
    rejectedBy: "acquire: with expire it is held that long, and free afterwards without anyone cleaning up",
    instead: [["redis.call('SET', KEYS[n], holder, 'PX', lease)", "redis.call('SET', KEYS[n], holder)"]],
  },
  {
    defect: "a renewal takes whoever holds the key for its own",
    rejectedBy: "extend: never extends a later holder's lock",
    instead: [
      [
        "local holder = holder_by_id(h, id)\n    if holder then table.insert(found",
        "local holder = h.one\n    if holder then table.insert(found",
      ],
    ],
  },
  {
    defect: "the token is read and not incremented",
    rejectedBy: "fencing: each grant's token is strictly greater than that of every earlier grant of the key",
    instead: [["redis.call('INCRBY', KEYS[1], 1)", "tonumber(redis.call('GET', KEYS[1]) or 1)"]],
  },
  {
    defect: "tokens of what is handed over are not counted",
    rejectedBy: "fencing: a waiter's token is greater than that of the one it waited for",
    instead: [
      ["redis.call('INCRBY', base, 1))", "tonumber(redis.call('GET', base)))"],
      ["if counted > 0 then redis.call('INCRBY', base, counted) end", ""],
    ],
  },
  {
    defect: "a tombstone is ignored",
    rejectedBy: "store: a claim that was withdrawn before it arrived takes nothing",
    instead: [["w.withdrawn = redis.call('EXISTS', base .. 't:' .. w.id) == 1", "w.withdrawn = false"]],
  },
  {
    defect: "a claim that is asked again is in its own way",
    rejectedBy:
      "store: a claim that is asked again, as after a lost reply, has the same grant and token, and takes nothing twice",
    instead: [
      ["granted[w.id] = given_before(w)", "granted[w.id] = nil"],
      ["return holder_by_id(h, w.id) or (w.owner", "return (w.owner"],
    ],
  },
  {
    defect: "a withdrawn claim takes along what its owner held before",
    rejectedBy:
      "store: withdrawing a claim frees only what it added: keys that its owner held go back to their grant",
    instead: [["restore(h, holder, limit)\n      freed = 1", "freed = 1"]],
  },
  {
    defect: "the wake-up goes to nobody",
    rejectedBy:
      "push: a release wakes the next waiter without polling: twenty in a row, all of whom have waited a while",
    instead: [["redis.pcall('PUBLISH', channel,", "redis.pcall('PUBLISH', channel .. '?',"]],
  },
  {
    defect: "a hand-over is for good before its waiter is heard of",
    rejectedBy:
      "store: a hand-over that nobody confirms has a short lease, which asking or renewing makes the claim's own",
    instead: [
      ["math.min(lease, 8000)", "lease"],
      ["(handed and math.min(w.lease, HANDOVER) or w.lease)", "w.lease"],
    ],
  },
  {
    defect: "a dead waiter keeps its place",
    rejectedBy:
      "crashes: a waiter that was killed with a claim on many keys blocks none of them longer than 10 s",
    instead: [["local PLACE = 6000", "local PLACE = 600000"]],
  },
  {
    defect: "the queue is read from its end",
    rejectedBy: "order: first come, first served",
    instead: [
      ["redis.call('ZRANGE', line, 0, 1)", "redis.call('ZREVRANGE', line, 0, 1)"],
      ["redis.call('ZRANGE', l.name,", "redis.call('ZREVRANGE', l.name,"],
    ],
  },
  {
    defect: "who does not wait passes those who do",
    rejectedBy:
      "order: nobody who does not wait passes an earlier waiter: a free key with a waiter is refused",
    instead: [
      ["(not has_room(h, w) or ahead(w, key))", "(not has_room(h, w) or w.wait ~= false and ahead(w, key))"],
    ],
  },
  {
    defect: "readers join readers, whoever waits",
    rejectedBy: "order: a waiting writer is not starved by later readers",
    instead: [
      [
        "(not has_room(h, w) or ahead(w, key))",
        "(not has_room(h, w) or w.limit ~= FOREVER and ahead(w, key))",
      ],
    ],
  },
  {
    defect: "nobody is told when the lease in the way ends",
    rejectedBy: "order: a lease that ends with nobody there to release it passes on within 1 s",
    instead: [
      ["left < 0 and -1 or left + 1", "-1"],
      ["span(math.min(lease_end, place_end))", "-1"],
    ],
  },
  {
    defect: "a permit too many",
    rejectedBy: "limit: n permits: n may hold the key at once, and no more",
    instead: [["h.count < w.limit", "h.count <= w.limit"]],
  },
  {
    defect: "of many keys only the first is looked at",
    rejectedBy: "keys: many keys are taken all or none",
    instead: [
      ["or ahead(w, key)) then return false end", "or ahead(w, key)) then return key ~= w.keys[1] end"],
    ],
  },
  {
    defect: "releaseAll knows only what is in an index",
    rejectedBy: "releaseAll: without an owner it frees every lock in the namespace, execute's included",
    instead: [["if rising and newest > 0 then", "if false then"]],
  },
  {
    defect: "a release of several keys hands nothing on",
    rejectedBy: "push: a release by owner wakes the next waiter as well",
    instead: [["if texts[n] then return nil end", ""]],
  },
];
