import { lua } from "./lua.ts";

/**
 * Who holds a key, as a script knows it: read on first sight, changed here, written at the end (`writeDown`), so that
 * every key is read before the first is written.
 *
 * `h:<key>` is a string. Held by one alone, it is the holder, and its time to live is the lease:
 *
 *     <id> <token> <kind><mark><end> <owner>[NUL <id> <token> <mark> <till>]...
 *
 * kind: `e` execute, `a` acquire without an owner, `o` acquire with one. mark: `?` handed over and not yet confirmed, else `-`.
 * end: `~` none, `-` a lease. After each NUL stands a grant of the same owner that this one absorbed: it comes back when
 * this one is withdrawn.
 *
 * Where several may hold the key it is `*<limit>` (0 for no limit), `s:<key>` is a hash of the holders by id (with `@<owner>` and
 * `<<absorbed id>` leading to an id), and `e:<key>` a sorted set of their ids by when they end: so a take among thousands
 * of readers costs what it costs among two.
 *
 * `f`, the floor, is the newest token that a `releaseAll` of everything freed: a lone holder up to it is gone, though its
 * record may stand until its lease ends. So the ordinary lock, held by one for a while, needs to be in no index.
 */
export const holders: string = lua`
local held = {}
local floor = nil

local function read_holder(text)
  local id, token, kind, mark, ending, owner, rest = string.match(text, '^(%S+) (%d+) (%a)(.)(.) ([^%z]*)(.*)$')
  local holder = { id = id, token = tonumber(token), kind = kind, handed = mark == '?', endless = ending == '~', before = {} }
  if kind == 'o' then holder.owner = owner end
  for id, token, mark, till in string.gmatch(rest, '%z(%S+) (%d+) (.) ([^%z]+)') do
    table.insert(holder.before, { id = id, token = tonumber(token), handed = mark == '?', till = tonumber(till) })
  end
  return holder
end

local function holder_text(holder)
  local mark, ending = holder.handed and '?' or '-', holder.endless and '~ ' or '- '
  local parts = { holder.id, ' ', digits(holder.token), ' ', holder.kind, mark, ending, holder.owner or '' }
  for _, old in ipairs(holder.before) do
    table.insert(parts, '\0' .. old.id .. ' ' .. digits(old.token) .. (old.handed and ' ? ' or ' - ') .. digits(old.till))
  end
  return table.concat(parts)
end

-- What of a key's hash goes with a holder.
local function strike(h, holder)
  table.insert(h.out, holder.id)
  table.insert(h.fields, holder.id)
  if holder.owner then table.insert(h.fields, '@' .. holder.owner) end
  for _, old in ipairs(holder.before) do table.insert(h.fields, '<' .. old.id) end
end

local function strike_ended(h)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', h.ends, '-inf', now, 'LIMIT', 0, 64)) do
    local text = redis.call('HGET', h.set, id)
    local holder = text and read_holder(text) or { id = id, before = {} }
    -- its owner may hold the key anew
    if holder.owner and redis.call('HGET', h.set, '@' .. holder.owner) ~= id then holder.owner = nil end
    strike(h, holder)
  end
end

local function holders(key)
  local h = held[key]
  if h then return h end
  h = {
    key = key, name = base .. 'h:' .. key, set = base .. 's:' .. key, ends = base .. 'e:' .. key,
    count = 0, by_id = {}, by_owner = {}, fresh = {}, out = {}, fields = {},
  }
  held[key] = h
  local text = redis.call('GET', h.name)
  if not text then return h end
  if string.byte(text) ~= 42 then
    local holder = read_holder(text)
    floor = floor or tonumber(redis.call('GET', base .. 'f') or 0)
    h.indexed = holder.endless
    if holder.token > floor then h.one, h.limit, h.count = holder, 1, 1 else h.ghost = holder end
    return h
  end
  h.many, h.indexed = true, true
  h.count = redis.call('ZCOUNT', h.ends, '(' .. digits(now), '+inf')
  if h.count == 0 then
    h.bare = true
  else
    h.limit = tonumber(string.sub(text, 2))
    if h.limit == 0 then h.limit = FOREVER end
    strike_ended(h)
  end
  return h
end

local function stored_holder(h, id)
  local till = redis.call('ZSCORE', h.ends, id)
  if not till or tonumber(till) <= now then return false end
  local holder = read_holder(redis.call('HGET', h.set, id))
  holder.till = tonumber(till)
  return holder
end

local function holder_by_id(h, id)
  if h.one then return h.one.id == id and h.one or nil end
  if h.by_id[id] == nil and h.many and not h.bare then h.by_id[id] = stored_holder(h, id) end
  return h.by_id[id] or nil
end

local function holder_by_owner(h, owner)
  if h.one then return h.one.owner == owner and h.one or nil end
  if h.by_owner[owner] == nil and h.many and not h.bare then
    local id = redis.call('HGET', h.set, '@' .. owner)
    h.by_owner[owner] = id and holder_by_id(h, id) or false
  end
  return h.by_owner[owner] or nil
end

local function all_holders(h)
  if h.one then return { h.one } end
  local found = {}
  if h.many and not h.bare then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', h.ends, '(' .. digits(now), '+inf')) do
      if not h.fresh[id] then table.insert(found, holder_by_id(h, id)) end
    end
  end
  for _, holder in pairs(h.fresh) do table.insert(found, holder) end
  return found
end

-- When a holder's lease ends.
local function till_of(h, holder)
  if not holder.till then
    local left = redis.call('PTTL', h.name)
    holder.till = left == -1 and FOREVER or now + math.max(left, 0)
  end
  return holder.till
end

-- When the first lease of a key ends, or earlier.
local function first_end(h)
  if h.one then return till_of(h, h.one) end
  local first = FOREVER
  for _, holder in pairs(h.fresh) do first = math.min(first, holder.till) end
  if h.many and not h.bare then
    local stored = redis.call('ZRANGEBYSCORE', h.ends, '(' .. digits(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if stored then first = math.min(first, tonumber(stored)) end
  end
  return first
end

local indexes = {}

-- What an index is to say of a key: until when, or false.
local function note(index, key, till)
  indexes[index] = indexes[index] or {}
  indexes[index][key] = till
end

local function note_owned(owner, key, till)
  if owner then note(base .. 'o:' .. owner, key, till) end
end

local function drop_holder(h, holder)
  h.changed = true
  h.count = h.count - 1
  note_owned(holder.owner, h.key, false)
  if h.one then
    h.one = nil
  else
    h.by_id[holder.id] = false
    h.fresh[holder.id] = nil
    if holder.owner then h.by_owner[holder.owner] = false end
    strike(h, holder)
  end
  if h.count == 0 then
    h.limit = nil
    -- nothing of the stored hash counts any more
    h.bare, h.by_id, h.by_owner, h.fresh = true, {}, {}, {}
  end
end

-- What releaseAll freed and left standing.
local function clear_ghost(h)
  if h.ghost then note_owned(h.ghost.owner, h.key, false) end
  h.ghost = nil
  h.changed = true
end

local function put_holder(h, holder, limit)
  clear_ghost(h)
  h.count = h.count + 1
  h.limit = limit
  note_owned(holder.owner, h.key, holder.till)
  if limit == 1 then
    h.one = holder
  else
    h.by_id[holder.id] = holder
    h.fresh[holder.id] = holder
    if holder.owner then h.by_owner[holder.owner] = holder end
  end
end
`;
