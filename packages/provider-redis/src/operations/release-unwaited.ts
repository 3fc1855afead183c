import { lua } from "../lua/lua.ts";

/*
 * How `release` begins, with its keys and arguments: what it can do where nobody waits.
 */

/** Nobody waits for the one key of the one release, and no index names the lock: most of what a lock server does. */
export const releaseUnwaited: string = lua`
if ARGV[1] == '1' and ARGV[2] == 's' and ARGV[4] == 'g' then
  local read = redis.call('MGET', KEYS[2], KEYS[3], KEYS[4])
  if not read[3] then
    if not read[2] then return 0 end
    local id, token, kind, ending = string.match(read[2], '^(%S+) (%d+) (%a).(.) ')
    if kind ~= 'o' and ending == '-' then
      if id ~= ARGV[5] then return 0 end
      redis.call('DEL', KEYS[3])
      return read[1] and tonumber(token) <= tonumber(read[1]) and 0 or 1
    end
  end
end
`;

/** Nobody waits for any of the keys, and each has one holder at most: nothing to hand on. Stands on `ground`. */
export const releaseSeveral: string = lua`
local function release_unwaited()
  local count = tonumber(ARGV[1])
  if ARGV[2] ~= 's' then return nil end
  local texts = redis.call('MGET', unpack(KEYS, 2))
  for n = count + 2, 2 * count + 1 do
    if texts[n] then return nil end
  end
  local floor = tonumber(texts[1] or 0)
  local freed, names, endless, owners, skip, at = {}, {}, {}, {}, #KEYS[1] + 3, 1
  for n = 1, (#ARGV - 3) / 3 do
    local a = n * 3 + 1
    local by, whose = ARGV[a], ARGV[a + 1]
    freed[n] = 1
    for _ = 1, ARGV[a + 2] do
      at = at + 1
      local text, mine = texts[at], false
      if text then
        local id, token, kind, ending, owner = string.match(text, '^(%S+) (%d+) (%a).(.) ([^%z]*)$')
        -- held by several, or with an earlier grant of the owner in it
        if not id then return nil end
        if by == 'g' then mine = id == whose elseif by == 'o' then mine = kind == 'o' and owner == whose else mine = kind == 'a' end
        if mine then
          local name = KEYS[at + 1]
          names[#names + 1] = name
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
elseif redis.call('EXISTS', ARGV[3]) == 1 then
  return { { 'again' } }
end
`;
