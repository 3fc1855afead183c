import { lua } from "./lua.ts";

/**
 * Writes what a script decided. What shrinks comes first, then expiry: a server out of memory refuses a script's first
 * write if it could grow, and none after it, so locks are given back and renewed there still.
 */
export const writeDown: string = lua`
local unbounded, waited_for = base .. 'i', base .. 'z'

-- A call with many arguments, in portions that fit Lua's stack.
local function call_with(command, key, list)
  for from = 1, #list, 1000 do
    redis.call(command, key, unpack(list, from, math.min(from + 999, #list)))
  end
end

local function end_at(name, till)
  if till == FOREVER then redis.call('PERSIST', name) else redis.call('PEXPIREAT', name, digits(till)) end
end

-- When the last of several leases ends, or later.
local function last_end(h)
  local last = now
  for _, holder in pairs(h.fresh) do last = math.max(last, holder.till) end
  if h.many and not h.bare then
    local stored = redis.call('ZRANGE', h.ends, -1, -1, 'WITHSCORES')[2]
    if stored then last = math.max(last, tonumber(stored)) end
  end
  return last
end

-- What one holds for a while is found without an index.
local function note_unbounded(h)
  local till = false
  if h.count > 0 and not h.one then till = last_end(h) end
  if h.one and till_of(h, h.one) == FOREVER then till = FOREVER end
  if till or h.indexed then note(unbounded, h.key, till) end
end

local function shrink()
  for key, l in pairs(lines) do
    call_with('ZREM', l.name, l.left)
    if #l.left > 0 and l.complete and #l.ids == 0 then
      redis.call('DEL', base .. 'm:' .. key)
      redis.call('ZREM', waited_for, key)
    end
  end
  for id in pairs(left_records) do redis.call('DEL', base .. 'w:' .. id) end
  for _, h in pairs(held) do
    if h.changed then note_unbounded(h) end
    if h.changed and h.count == 0 then
      redis.call('DEL', h.name, h.set, h.ends)
    elseif h.changed and h.many and h.bare then
      redis.call('DEL', h.set, h.ends)
    elseif h.changed then
      call_with('ZREM', h.ends, h.out)
      call_with('HDEL', h.set, h.fields)
    end
  end
  for index, keys in pairs(indexes) do
    local gone = {}
    for key, till in pairs(keys) do
      if not till then table.insert(gone, key) end
    end
    call_with('ZREM', index, gone)
  end
end

local function write_many(h)
  for id, holder in pairs(h.fresh) do
    redis.call('ZADD', h.ends, digits(holder.till), id)
    redis.call('HSET', h.set, id, holder_text(holder))
    if holder.owner then redis.call('HSET', h.set, '@' .. holder.owner, id) end
    for _, old in ipairs(holder.before) do redis.call('HSET', h.set, '<' .. old.id, id) end
  end
  redis.call('SET', h.name, '*' .. (h.limit == FOREVER and '0' or digits(h.limit)))
  local last = last_end(h)
  end_at(h.name, last)
  end_at(h.set, last)
  end_at(h.ends, last)
end

local function write_one(h)
  local till = till_of(h, h.one)
  if till == FOREVER then
    redis.call('SET', h.name, holder_text(h.one))
  else
    redis.call('SET', h.name, holder_text(h.one), 'PXAT', digits(till))
  end
end

local function write_index(index, keys)
  local list, longest = {}, 0
  for key, till in pairs(keys) do
    if till then
      longest = math.max(longest, till)
      table.insert(list, digits(till))
      table.insert(list, key)
    end
  end
  call_with('ZADD', index, list)
  keep_index(index, longest, now)
  if counted > 0 and math.floor((counter + counted) / 16) ~= math.floor(counter / 16) then sweep_index(index, now) end
end

local function write_waiters()
  local list = {}
  for id, w in pairs(joined_records) do redis.call('SET', base .. 'w:' .. id, waiter_text(w), 'PX', PLACE) end
  for key, l in pairs(lines) do
    for _, w in ipairs(l.joined) do redis.call('ZADD', l.name, digits(w.ticket), w.id) end
    if #l.joined > 0 or l.refreshed then
      redis.call('PEXPIRE', l.name, PLACE)
      redis.call('SET', base .. 'm:' .. key, '', 'PX', PLACE)
      table.insert(list, digits(now))
      table.insert(list, key)
    end
  end
  if #list > 0 then
    redis.call('ZREMRANGEBYSCORE', waited_for, '-inf', '(' .. digits(now - PLACE))
    call_with('ZADD', waited_for, list)
    redis.call('PEXPIRE', waited_for, PLACE)
  end
end

local function grow()
  if counter == 0 then redis.call('DEL', base .. 'f') end
  if counted > 0 then redis.call('INCRBY', base, counted) end
  for _, h in pairs(held) do
    if h.changed and h.count > 0 then
      if h.one then write_one(h) else write_many(h) end
    end
  end
  for index, keys in pairs(indexes) do write_index(index, keys) end
  write_waiters()
end

-- Nobody heard of it: the process is dead, or is reconnecting and asks before its place ends. Until then the grant waits, and no
-- longer: it neither skips the living nor blocks behind the dead for the whole of a hand-over's lease.
local function shorten(letter)
  for _, grant in ipairs(letter.grants) do
    local till = now + math.max(grant.place_left, 0)
    for _, key in ipairs(grant.w.keys) do
      local h = holders(key)
      local holder = holder_by_id(h, grant.given.id)
      if holder and till < holder.till then
        holder.till = till
        if h.one then end_at(h.name, till) else redis.call('ZADD', h.ends, digits(till), holder.id) end
      end
    end
  end
end

local function write_down()
  tell_of_early_ends()
  tell_of_new_owners()
  shrink()
  for _, h in pairs(held) do
    if h.renewed then end_at(h.name, h.one and h.one.till or last_end(h)) end
  end
  for id, w in pairs(refreshed) do
    redis.call('PEXPIRE', base .. 'w:' .. id, PLACE)
    for _, key in ipairs(w.keys) do line(key).refreshed = true end
  end
  grow()
  for channel, letter in pairs(mail) do
    -- who may not publish has written all the same
    local heard = redis.pcall('PUBLISH', channel, table.concat(letter.lines, '\n'))
    if heard == 0 or type(heard) == 'table' then shorten(letter) end
  end
end
`;
