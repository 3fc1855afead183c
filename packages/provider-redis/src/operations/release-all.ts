import { TOMBSTONE_LIFETIME } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";

/** How far a walk over an index has come. */
export interface Walk {
  /** Redis' cursor; "0" at the beginning, and again at the end. */
  readonly cursor: string;
  /** The newest token there was at the beginning: what is granted during the walk stays. -1: to be asked. */
  readonly newest: number;
  /** Whose cursor it is: to another server it says nothing. */
  readonly server: string;
}

export const START: Walk = { cursor: "0", newest: -1, server: "" };

/** What is walked: all that an owner holds; or, for everything, the keys that need to be freed one by one, then those waited for. */
export type Stage = { readonly ownerId: string } | "unbounded" | "awaited";

/*
 * release-all: one step, about 100 keys; more where the server is set up to keep large sorted sets in one piece, which it walks in one step
 *
 * KEYS  1 counter, 2 the index to walk
 * ARGV  1 cursor, 2 newest token to free (-1: the newest there is), 3 what is walked: o an owner's locks, i all that are indexed
 *       (the first step frees all those that are not), z the keys waited for, 4 the owner; of i the channel on which all processes are told,
 *       5 the server that gave the cursor; another begins anew, 6 the id of the tombstone that marks this request as carried out ("": it can't
 *       come twice, or would do no harm)
 * reply {next cursor, newest token to free, the server}
 */
const releaseAll = lua`
local newest, stage, owner = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local mark = ARGV[6] ~= '' and base .. 't:' .. ARGV[6]
-- nobody hears it: whoever asked was told that the connection was cut
if mark and redis.call('EXISTS', mark) == 1 then return { '0', ARGV[2], '' } end
local server = redis.call('GET', base .. 'r') or ''
-- another server may not have the floor that was raised
local rising = stage == 'i' and (newest < 0 or server ~= ARGV[5])
if newest < 0 then
  newest = tonumber(redis.call('GET', base) or 0)
elseif rising then
  rising = newest > tonumber(redis.call('GET', base .. 'f') or 0)
end
local step = redis.call('ZSCAN', KEYS[2], server == ARGV[5] and ARGV[1] or '0', 'COUNT', 100)
local keys, names = {}, {}
for n = 1, #step[2], 2 do table.insert(keys, step[2][n]) end
for n, key in ipairs(keys) do
  names[n] = base .. 'h:' .. key
  names[#keys + n] = base .. 'm:' .. key
end

local freed, unnamed = {}, {}
local function unname(index, key)
  unnamed[index] = unnamed[index] or {}
  table.insert(unnamed[index], key)
end

-- What one holds alone and nobody waits for goes together. Returns the rest.
local function free_together()
  if stage == 'z' or #keys == 0 then return keys end
  local rest, read = {}, {}
  for from = 1, #names, 1000 do
    for n, text in ipairs(redis.call('MGET', unpack(names, from, math.min(from + 999, #names)))) do read[from + n - 1] = text end
  end
  for n, key in ipairs(keys) do
    local id, token, kind, ending, whose = string.match(read[n] or '', '^(%S+) (%d+) (%a).(.) ([^%z]*)$')
    local meant = id and tonumber(token) <= newest and (stage == 'i' or kind == 'o' and whose == owner)
    if meant and not read[#keys + n] then
      table.insert(freed, names[n])
      if kind == 'o' then unname(base .. 'o:' .. whose, key) end
      if ending == '~' then unname(base .. 'i', key) end
    else
      table.insert(rest, key)
    end
  end
  return rest
end

local touched = free_together()
for _, key in ipairs(touched) do
  local h = holders(key)
  if stage == 'o' then
    local holder = holder_by_owner(h, owner)
    if not holder then
      note_owned(owner, key, false)
    elseif holder.token <= newest then
      drop_holder(h, holder)
    end
  elseif stage == 'i' then
    if h.ghost or h.count == 0 then
      clear_ghost(h)
      h.indexed = true
    end
    for _, holder in ipairs(all_holders(h)) do
      if holder.token <= newest then drop_holder(h, holder) end
    end
  end
end
advance(touched)
for from = 1, #freed, 1000 do redis.call('DEL', unpack(freed, from, math.min(from + 999, #freed))) end
for index, gone in pairs(unnamed) do
  call_with('ZREM', index, gone)
  keep_index(index, 0, now)
end
-- a write that can't grow, so that the next may, on a server out of memory too
if rising then redis.call('DEL', base .. 'f') end
if mark then redis.call('DEL', mark) end
write_down()
if mark then redis.call('SET', mark, '', 'PX', ${TOMBSTONE_LIFETIME}) end
if rising and newest > 0 then
  redis.call('SET', base .. 'f', digits(newest))
  redis.pcall('PUBLISH', ARGV[4], 'a ' .. digits(newest))
end
return { step[1], digits(newest), server }
`;

export const releaseAllScript: Script = composeScript(ground, model, releaseAll);

/** `mark`: an id of this one request, for a client that may send it a second time by itself: that would free what was granted since. */
export function encodeReleaseAll(
  layout: KeyLayout,
  stage: Stage,
  walk: Walk,
  mark: string | null,
): ScriptCall {
  const { cursor, newest, server } = walk;
  if (typeof stage === "object") {
    const { ownerId } = stage;
    return {
      script: releaseAllScript,
      keys: [layout.base, layout.owner(ownerId)],
      args: [cursor, newest, "o", ownerId, server, mark ?? ""],
    };
  }
  const [index, letter, channel] =
    stage === "unbounded" ? [layout.unbounded, "i", layout.everybody] : [layout.awaited, "z", ""];
  return {
    script: releaseAllScript,
    keys: [layout.base, index],
    args: [cursor, newest, letter, channel, server, mark ?? ""],
  };
}

export function decodeReleaseAll(reply: unknown): Walk {
  const [cursor, newest, server] = reply as unknown[];
  return { cursor: String(cursor), newest: Number(newest), server: String(server) };
}
