import { CHECK_INTERVAL, HANDOVER_LEASE } from "@lock/core";
import { lua } from "../lua/lua.ts";

/*
 * How `release` begins, with its keys and arguments: what it can do without looking at every holder and every queue.
 */

/**
 * One key of one release, held by one alone and named by no index: most of what a lock server does. Nobody waits, and the
 * record goes; or the first in line waits for this key alone, and gets it. `model` says the same of all other cases.
 */
export const releaseOne: string = lua`
local function next_in_line(base, key, note)
  local line = base .. 'q:' .. key
  local first = redis.call('ZRANGE', line, 0, 1)
  local id = first[1]
  local text = id and redis.call('GET', base .. 'w:' .. id)
  if not text then return nil end
  local place = cmsgpack.unpack(text)
  local ticket, kind, limit, lease, channel = place[1], place[2], place[4], place[5], place[7]
  if kind == 'o' or limit ~= 1 or lease < ${CHECK_INTERVAL} or #place[8] ~= 1 then return nil end
  redis.call('ZREM', line, id)
  if not first[2] then
    redis.call('DEL', base .. 'm:' .. key)
    redis.call('ZREM', base .. 'z', key)
  end
  local token = string.format('%.0f', redis.call('INCRBY', base, 1))
  if token == '1' then redis.call('DEL', base .. 'f') end
  lease = string.format('%.0f', math.min(lease, ${HANDOVER_LEASE}))
  redis.call('SET', base .. 'h:' .. key, id .. ' ' .. token .. ' ' .. kind .. '?- ', 'PX', lease)
  if channel ~= '' then
    local message = 'g ' .. id .. string.format(' %.0f ', ticket) .. token .. ' ' .. lease
    local heard = redis.pcall('PUBLISH', channel, message)
    if heard == 0 or type(heard) == 'table' then
      -- as in the model: nobody heard of it, so it waits for as long as the place would have
      redis.call('PEXPIRE', base .. 'h:' .. key, math.max(redis.call('PTTL', base .. 'w:' .. id), 1))
    end
  end
  local record = base .. 'w:' .. id
  redis.call('DEL', record, note or record)
  return 1
end

if ARGV[1] == '1' and (ARGV[2] == 'g' or ARGV[2] == 'n') then
  local note = ARGV[2] == 'n' and KEYS[1] .. 'x:' .. string.sub(KEYS[3], #KEYS[1] + 3)
  local read = redis.call('MGET', KEYS[2], KEYS[3], KEYS[4])
  if not read[2] and not read[3] then return 0 end
  local id, token, kind, ending = string.match(read[2] or '', '^(%S+) (%d+) (%a).(.) ')
  if id and kind ~= 'o' and ending == '-' then
    local held = not read[1] or tonumber(token) > tonumber(read[1])
    if not read[3] then
      if id ~= ARGV[4] then return 0 end
      redis.call('DEL', KEYS[3], note or KEYS[3])
      return held and 1 or 0
    end
    local freed = held and id == ARGV[4] and next_in_line(KEYS[1], string.sub(KEYS[3], #KEYS[1] + 3), note)
    if freed then return freed end
  end
end
`;

/** Nobody waits for any of the keys, and each has one holder at most: nothing to hand on. Stands on `ground`. */
export const releaseSeveral: string = lua`
local alike = ARGV[2] == 'g' or ARGV[2] == 'n'
local asked = alike and #ARGV - 3 or (#ARGV - 3) / 3

-- By what, whose, of how many keys, and whether a note of it stands there.
local function release_at(n)
  if alike then return 'g', ARGV[n + 3], 1, ARGV[2] == 'n' end
  local by, noted = ARGV[n * 3 + 1], false
  if by == 'n' or by == 'N' then
    by, noted = by == 'n' and 'g' or 'G', true
  end
  return by, ARGV[n * 3 + 2], tonumber(ARGV[n * 3 + 3]), noted
end

local function release_unwaited()
  local count = tonumber(ARGV[1])
  if ARGV[2] == '' then return nil end
  local texts = redis.call('MGET', unpack(KEYS, 2))
  for n = count + 2, 2 * count + 1 do
    if texts[n] then return nil end
  end
  local floor = tonumber(texts[1] or 0)
  local freed, names, gone, endless, owners, skip, at = {}, {}, {}, {}, {}, #KEYS[1] + 3, 1
  for n = 1, asked do
    local by, whose, span, noted = release_at(n)
    freed[n] = 1
    for _ = 1, span do
      at = at + 1
      local text, mine, name = texts[at], false, KEYS[at + 1]
      -- what a release before it in the same call freed is not there any more
      if text and not gone[name] then
        local id, token, kind, ending, owner = string.match(text, '^(%S+) (%d+) (%a).(.) ([^%z]*)$')
        -- held by several, or with an earlier grant of the owner in it
        if not id then return nil end
        if by == 'g' then mine = id == whose elseif by == 'o' then mine = kind == 'o' and owner == whose else mine = kind == 'a' end
        if mine then
          names[#names + 1] = name
          gone[name] = true
          if noted then names[#names + 1] = KEYS[1] .. 'x:' .. string.sub(name, skip) end
          if ending == '~' then endless[#endless + 1] = string.sub(name, skip) end
          if kind == 'o' then owners[#owners + 1] = { KEYS[1] .. 'o:' .. owner, string.sub(name, skip) } end
          -- what releaseAll freed and left standing is cleared away, and was not held
          mine = tonumber(token) > floor
        end
      end
      if not mine then freed[n] = 0 end
    end
  end
  if #names > 0 then redis.call('DEL', unpack(names)) end
  if #endless > 0 then
    redis.call('ZREM', KEYS[1] .. 'i', unpack(endless))
    keep_index(KEYS[1] .. 'i', 0, 0)
  end
  for _, owned in ipairs(owners) do
    redis.call('ZREM', owned[1], owned[2])
    keep_index(owned[1], 0, 0)
  end
  return freed
end

if ARGV[3] == '' then
  local freed = release_unwaited()
  if freed then return freed end
elseif redis.call('EXISTS', base .. 't:' .. ARGV[3]) == 1 then
  return { { 'again' } }
end
`;
