import type { Claim, TakeReply } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { decodeSpan, encodeLease, encodeLimit } from "./span.ts";
import { takeBehind, takeIndexed, takeUncontended } from "./take-plain.ts";

/*
 * take
 *
 * KEYS  1 counter, then for each claim its tombstone, and for each of its keys the holders and the mark of its queue; then the index of
 *       each owner named. What else may be touched is of the same bucket.
 * ARGV  1 the channel of this process ("" for none), 2 how far to look for whether anything stands in the way, when all claims are
 *       exclusive and share no key: the last of the keys to look at, negative where an index is to be written too; else 0.
 *       Then for each claim, or once where all ask for the same: flags, limit (0: none), lease in ms (-1: without end), number of keys
 *       flags: kind (e execute, a acquire, o acquire by an owner: the next of the owner indexes), w or -: waits, k or -: keeps the lease
 * reply the token alone of the only claim, or for each claim: token (granted under its own id, for the lease asked for) | {"g", grant id, token, remaining}
 *       | {"q", ticket, check in} | {"b", owner or "", free in} | {"w"}: withdrawn. Milliseconds, -1 without end.
 */

/** Somebody is in the way, or may be: holders and queues decide. */
const contended = lua`
local claims = {}
do
  local skip, at, owners = #base + 3, 2, {}
  for claim = 1, count do
    local a = 3 + (claim - 1) * apart
    local flags, limit, lease = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
    local w = {
      id = string.sub(KEYS[at], skip), kind = string.sub(flags, 1, 1), wait = string.sub(flags, 2, 2) == 'w', keep = string.sub(flags, 3, 3) == 'k',
      limit = limit == 0 and FOREVER or limit, lease = lease < 0 and FOREVER or lease, channel = ARGV[1], keys = {},
    }
    if w.kind == 'o' then table.insert(owners, w) end
    at = at + 1
    for _ = 1, ARGV[a + 3] do
      table.insert(w.keys, string.sub(KEYS[at], skip))
      at = at + 2
    end
    w.withdrawn = redis.call('EXISTS', base .. 't:' .. w.id) == 1
    if not w.withdrawn then asking[w.id] = true end
    table.insert(claims, w)
  end
  for n, w in ipairs(owners) do w.owner = string.sub(KEYS[at + n - 1], skip) end
end

-- What an earlier asking, or a hand-over, gave to this claim.
local function given_before(w)
  local given, handed = nil, false
  for _, key in ipairs(w.keys) do
    local h = holders(key)
    local holder = holder_by_id(h, w.id)
    if not holder then return nil end
    handed = handed or holder.handed
    local till = till_of(h, holder)
    if not given or till < given.till then given = { id = w.id, token = holder.token, till = till } end
  end
  if handed then
    for _, key in ipairs(w.keys) do
      local h = holders(key)
      extend(h, holder_by_id(h, w.id), w.lease)
    end
    given.till = now + w.lease
  end
  return given
end

local function take(w)
  if w.withdrawn or granted[w.id] then return end
  granted[w.id] = given_before(w)
  if granted[w.id] then return end
  local placed = waiter(w.id)
  if placed then
    w.ticket = placed.ticket
    refreshed[w.id] = placed
  end
  advance(w.keys)
  if granted[w.id] then return end
  -- a placed one may fit behind others too: its owner may have come to hold what it lacked
  if fits(placed or w) then
    grant(placed or w, false)
  elseif w.wait and not placed then
    w.ticket = next_number()
    join_lines(w)
  end
end

-- Who is in the way of a claim, and for how long at most: until a lease ends, or the place of a waiter that may be dead.
local function obstacle(w)
  local owner, lease_end, place_end = nil, FOREVER, FOREVER
  for _, key in ipairs(w.keys) do
    local h = holders(key)
    if not own(h, w) then
      if not has_room(h, w) then
        lease_end = math.min(lease_end, first_end(h))
        owner = owner or (h.one and h.one.owner)
      end
      local other = ahead(w, key)
      if other then
        owner = owner or other.owner
        local seen = refreshed[other.id] or joined_records[other.id]
        local left = seen and PLACE or redis.call('PTTL', base .. 'w:' .. other.id)
        place_end = math.min(place_end, now + math.max(left, 0))
      end
    end
  end
  return owner, lease_end, place_end
end

-- One more millisecond, so that what is to have ended then has.
local function span(till)
  return till == FOREVER and -1 or till - now + 1
end

local replies, stands = {}, {}
for _, w in ipairs(claims) do take(w) end
for n, w in ipairs(claims) do
  local given = granted[w.id]
  if w.withdrawn then
    replies[n] = { 'w' }
  elseif given then
    replies[n] = { 'g', given.id, given.token, given.till == FOREVER and -1 or given.till - now }
  else
    local owner, lease_end, place_end = obstacle(w)
    if w.ticket then
      for _, key in ipairs(w.keys) do stands[key] = redis.call('GET', base .. 'x:' .. key) end
      replies[n] = { 'q', w.ticket, span(math.min(lease_end, place_end)) }
    else
      replies[n] = { 'b', owner or '', span(lease_end) }
    end
  end
end
write_down()
for _, stand in pairs(stands) do tell_of_waiter(stand) end
return replies
`;

export const takeScript: Script = composeScript(
  takeUncontended,
  takeBehind,
  ground,
  takeIndexed,
  model,
  contended,
);

/** More names than this would not fit Lua's stack in one call. */
const MOST_NAMES_AT_ONCE = 1_000;

export function encodeTake(layout: KeyLayout, channel: string, claims: readonly Claim[]): ScriptCall {
  const keys = [layout.base];
  const owners: string[] = [];
  for (const { id, keys: named, kind, ownerId } of claims) {
    keys.push(layout.tombstone(id));
    for (const key of named) keys.push(layout.holders(key), layout.mark(key));
    if (kind === "acquire" && ownerId !== null) owners.push(layout.owner(ownerId));
  }
  const wishes = claims.map(wishOf);
  const [first] = wishes as [Wish];
  const said = wishes.every((wish) => isSame(wish, first)) ? [first] : wishes;
  const args: (string | number)[] = [channel, howFarToLook(claims, keys, said)];
  for (const { flags, limit, lease, count } of said) args.push(flags, limit, lease, count);
  return { script: takeScript, keys: owners.length === 0 ? keys : [...keys, ...owners], args };
}

/** What a claim asks for, beside its keys. */
interface Wish {
  readonly flags: string;
  readonly limit: number;
  readonly lease: number;
  /** How many keys. */
  readonly count: number;
}

function wishOf({ kind, ownerId, wait, keepLease, limit, lease, keys }: Claim): Wish {
  const letter = kind === "execute" ? "e" : ownerId === null ? "a" : "o";
  const flags = `${letter}${wait ? "w" : "-"}${keepLease ? "k" : "-"}`;
  return { flags, limit: encodeLimit(limit), lease: encodeLease(lease), count: keys.length };
}

function isSame(one: Wish, other: Wish): boolean {
  const { flags, limit, lease, count } = one;
  return flags === other.flags && limit === other.limit && lease === other.lease && count === other.count;
}

function howFarToLook(claims: readonly Claim[], keys: readonly string[], wishes: readonly Wish[]): number {
  if (keys.length > MOST_NAMES_AT_ONCE || wishes.some(({ limit }) => limit !== 1)) return 0;
  if (claims.length > 1 && new Set(keys).size < keys.length) return 0;
  const indexed = wishes.some(({ flags, lease }) => flags.startsWith("o") || lease < 0);
  return indexed ? -keys.length : keys.length;
}

export function decodeTake(claims: readonly Claim[], reply: unknown): TakeReply[] {
  if (!Array.isArray(reply)) return [decodeAnswer(claims[0] as Claim, reply)];
  return reply.map((answer, n) => decodeAnswer(claims[n] as Claim, answer));
}

function decodeAnswer(claim: Claim, answer: unknown): TakeReply {
  // A client that is told to makes strings of integers.
  if (!Array.isArray(answer)) {
    return { status: "granted", grantId: claim.id, token: Number(answer), remaining: claim.lease };
  }
  const [status, first, second, third] = answer as unknown[];
  switch (status) {
    case "g":
      return {
        status: "granted",
        grantId: String(first),
        token: Number(second),
        remaining: decodeSpan(third),
      };
    case "q":
      return { status: "queued", ticket: Number(first), checkIn: decodeSpan(second) };
    case "b":
      return { status: "busy", ownerId: first === "" ? null : String(first), freeIn: decodeSpan(second) };
    default:
      return { status: "withdrawn" };
  }
}
