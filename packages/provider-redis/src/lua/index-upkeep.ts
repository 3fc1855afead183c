import { lua } from "./lua.ts";

/**
 * Indexes are what `releaseAll` walks: sorted sets of keys by when what they name ends. `o:<owner>` names what an owner holds,
 * `i` the keys that are held without end or may be held by several.
 *
 * An index disappears by itself with the longest lock that it names: a second later at most, so that a stream of locks moves its
 * end once a second and not with every lock. Members whose lock has expired are swept out by later ones.
 */
export const indexUpkeep: string = lua`
local function keep_index(index, till, now)
  local left = redis.call('PTTL', index)
  if left == -1 then
    local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')[2]
    if last and last ~= 'inf' then redis.call('PEXPIREAT', index, last + 1000) end
  elseif left >= 0 and till > now + left then
    if till == math.huge then
      redis.call('PERSIST', index)
    else
      redis.call('PEXPIREAT', index, till + 1000)
    end
  end
end

local function sweep_index(index, now)
  local ended = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'LIMIT', 0, 64)
  if #ended > 0 then redis.call('ZREM', index, unpack(ended)) end
end
`;
