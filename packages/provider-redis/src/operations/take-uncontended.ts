import { lua } from "../lua/lua.ts";

/*
 * How `take` begins, with its keys and arguments: what it can say without knowing who holds and who waits.
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
if free and look > 0 then
  local claims, skip, at, tokens = (#ARGV - 2) / 4, #KEYS[1] + 3, 2, {}
  local token = redis.call('INCRBY', KEYS[1], claims) - claims
  if token == 0 then redis.call('DEL', KEYS[1] .. 'f') end
  for claim = 1, claims do
    local a = claim * 4 - 1
    token = token + 1
    local holder = string.sub(KEYS[at], skip) .. string.format(' %.0f ', token) .. string.sub(ARGV[a], 1, 1) .. '-- '
    for n = at + 1, at + 2 * ARGV[a + 3], 2 do redis.call('SET', KEYS[n], holder, 'PX', ARGV[a + 2]) end
    at = at + 1 + 2 * ARGV[a + 3]
    tokens[claim] = token
  end
  return tokens
end
`;

/** The same for locks that an index names: those of owners, and those without end. Stands on `ground`. */
export const takeIndexed: string = lua`
if free then
  local claims, skip, at, owner_at, tokens = (#ARGV - 2) / 4, #KEYS[1] + 3, 2, -look, {}
  local token = redis.call('INCRBY', KEYS[1], claims) - claims
  if token == 0 then redis.call('DEL', KEYS[1] .. 'f') end
  local sweeps = math.floor((token + claims) / 16) ~= math.floor(token / 16)
  for claim = 1, claims do
    local a = claim * 4 - 1
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
