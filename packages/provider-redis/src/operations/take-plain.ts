import { PLACE_LIFETIME } from "@lock/core";
import { lua } from "../lua/lua.ts";

/*
 * How `take` begins, with its keys and arguments: what it can say without looking at every holder and every queue.
 */

/**
 * Nothing is in anyone's way: one read tells for all claims, and what is left is to write. The claim of one key stands first
 * and apart, since it is most of what a lock server does: what is spared here shows.
 */
export const takeUncontended: string = lua`
local look = tonumber(ARGV[2])
local free = false
if look == 4 then
  if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) == 0 then
    local token = redis.call('INCRBY', KEYS[1], 1)
    -- the counter is new, and whatever floor there is belongs to one that was lost
    if token == 1 then redis.call('DEL', KEYS[1] .. 'f') end
    local holder = string.sub(KEYS[2], #KEYS[1] + 3) .. string.format(' %.0f ', token) .. string.sub(ARGV[3], 1, 1) .. '-- '
    redis.call('SET', KEYS[3], holder, 'PX', ARGV[5])
    return token
  end
elseif look ~= 0 then
  free = redis.call('EXISTS', unpack(KEYS, 2, math.abs(look))) == 0
end
-- how many claims, and how far apart stands what they ask for: nowhere, where all ask for the same
local count, apart = (#ARGV - 2) / 4, 4
if count == 1 then
  count, apart = (#KEYS - 1) / (2 * ARGV[6] + (string.sub(ARGV[3], 1, 1) == 'o' and 2 or 1)), 0
end
if free and look > 0 then
  local skip, at, tokens = #KEYS[1] + 3, 2, {}
  local token = redis.call('INCRBY', KEYS[1], count) - count
  if token == 0 then redis.call('DEL', KEYS[1] .. 'f') end
  local ending, lease, names
  for claim = 1, count do
    if claim == 1 or apart > 0 then
      local a = 3 + (claim - 1) * apart
      ending, lease, names = string.sub(ARGV[a], 1, 1) .. '-- ', ARGV[a + 2], 2 * ARGV[a + 3]
    end
    token = token + 1
    local holder = string.sub(KEYS[at], skip) .. string.format(' %.0f ', token) .. ending
    for n = at + 1, at + names, 2 do redis.call('SET', KEYS[n], holder, 'PX', lease) end
    at = at + 1 + names
    tokens[claim] = token
  end
  return tokens
end
`;

/**
 * One exclusive claim of one key, held by another alone: it is refused or waits, whoever else does. `model` says the same of all
 * other cases.
 */
export const takeBehind: string = lua`
-- To a process that hands the lock on among its own callers, for as long as nobody else is known to wait.
local function tell_of_waiter(stand)
  local id, channel = string.match(stand or '', '^(%S+) (.*)$')
  if id and channel ~= ARGV[1] then redis.pcall('PUBLISH', channel, 'f ' .. id) end
end

local function refused_or_queued(base, key)
  local read = redis.call('MGET', base .. 'f', KEYS[3], KEYS[2], base .. 'x:' .. key)
  local id, token, kind, _, owner = string.match(read[2] or '', '^(%S+) (%d+) (%a).(.) ([^%z]*)$')
  local mine = string.sub(KEYS[2], #base + 3)
  if not id or read[3] or id == mine or read[1] and tonumber(token) <= tonumber(read[1]) then return nil end
  local asked = string.sub(ARGV[3], 1, 1)
  local by = KEYS[5] and string.sub(KEYS[5], #base + 3)
  if kind == 'o' and by == owner then return nil end
  local left = redis.call('PTTL', KEYS[3])
  local free_in = left < 0 and -1 or left + 1
  local record, line = base .. 'w:' .. mine, base .. 'q:' .. key
  local ticket = redis.call('ZSCORE', line, mine)
  if ticket and redis.call('PEXPIRE', record, ${PLACE_LIFETIME}) == 0 then return nil end
  if not ticket then
    if string.sub(ARGV[3], 2, 2) ~= 'w' then return { { 'b', owner, free_in } } end
    ticket = redis.call('INCRBY', base, 1)
    if ticket == 1 then redis.call('DEL', base .. 'f') end
    local keep, lease = string.sub(ARGV[3], 3, 3) == 'k', tonumber(ARGV[5])
    redis.call('SET', record, cmsgpack.pack({ ticket, asked, by or false, 1, lease, keep, ARGV[1], { key } }), 'PX', ${PLACE_LIFETIME})
    redis.call('ZADD', line, string.format('%.0f', ticket), mine)
  end
  redis.call('PEXPIRE', line, ${PLACE_LIFETIME})
  redis.call('SET', KEYS[4], '', 'PX', ${PLACE_LIFETIME})
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  if ticket % 16 == 0 then redis.call('ZREMRANGEBYSCORE', base .. 'z', '-inf', now - ${PLACE_LIFETIME} - 1) end
  redis.call('ZADD', base .. 'z', now, key)
  redis.call('PEXPIRE', base .. 'z', ${PLACE_LIFETIME})
  tell_of_waiter(read[4])
  return { { 'q', tonumber(ticket), free_in } }
end

if math.abs(look) == 4 and not free then
  local reply = refused_or_queued(KEYS[1], string.sub(KEYS[3], #KEYS[1] + 3))
  if reply then return reply end
end
`;

/** Uncontended locks that an index names: those of owners, and those without end. Stands on `ground`. */
export const takeIndexed: string = lua`
if free then
  local skip, at, owner_at, tokens = #KEYS[1] + 3, 2, -look, {}
  local token = redis.call('INCRBY', KEYS[1], count) - count
  if token == 0 then redis.call('DEL', KEYS[1] .. 'f') end
  local sweeps = math.floor((token + count) / 16) ~= math.floor(token / 16)
  for claim = 1, count do
    local a = 3 + (claim - 1) * apart
    local kind, lease, indexes, owner = string.sub(ARGV[a], 1, 1), ARGV[a + 2], {}, ''
    local endless = lease == '-1'
    local till = endless and FOREVER or now + lease
    if endless then table.insert(indexes, base .. 'i') end
    if kind == 'o' then
      owner_at = owner_at + 1
      owner = string.sub(KEYS[owner_at], skip)
      table.insert(indexes, KEYS[owner_at])
    end
    token = token + 1
    local holder = string.sub(KEYS[at], skip) .. string.format(' %.0f ', token) .. kind .. (endless and '-~ ' or '-- ') .. owner
    for n = at + 1, at + 2 * ARGV[a + 3], 2 do
      if endless then redis.call('SET', KEYS[n], holder) else redis.call('SET', KEYS[n], holder, 'PX', lease) end
      for _, index in ipairs(indexes) do redis.call('ZADD', index, digits(till), string.sub(KEYS[n], skip)) end
    end
    for _, index in ipairs(indexes) do
      keep_index(index, till, now)
      if sweeps then sweep_index(index, now) end
    end
    at = at + 1 + 2 * ARGV[a + 3]
    tokens[claim] = token
  end
  return tokens
end
`;
