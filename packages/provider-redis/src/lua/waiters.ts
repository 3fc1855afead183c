import { PLACE_LIFETIME } from "@lock/core";
import { lua } from "./lua.ts";

/**
 * Who waits. `w:<id>` is a waiting claim, packed; it lives for as long as the claim was asked for lately, so a dead
 * waiter's disappears by itself. `q:<key>` is the queue of a key: ids by ticket, a sorted set that may name dead waiters.
 *
 * Tickets come of the same counter as tokens, so the order is one over all the queues of a claim on many keys. `z` names
 * the keys that are waited for, by when a waiter last asked: to those a `releaseAll` of everything has to hand on. `m:<key>`
 * stands for as long as the queue does and says no more than that: it is a string, so that a release reads it along with the holder.
 */
export const waiters: string = lua`
local PLACE = ${PLACE_LIFETIME}
local waiting, lines = {}, {}
local left_records, joined_records, refreshed = {}, {}, {}

local function waiter(id)
  local w = waiting[id]
  if w == nil then
    local text = redis.call('GET', base .. 'w:' .. id)
    if text then
      local p = cmsgpack.unpack(text)
      w = { id = id, ticket = p[1], kind = p[2], owner = p[3] or nil, limit = p[4], lease = p[5], keep = p[6], channel = p[7], keys = p[8] }
      if w.limit == 0 then w.limit = FOREVER end
      if w.lease < 0 then w.lease = FOREVER end
    else
      w = false
    end
    waiting[id] = w
  end
  return w or nil
end

local function waiter_text(w)
  return cmsgpack.pack({
    w.ticket, w.kind, w.owner or false, w.limit == FOREVER and 0 or w.limit, w.lease == FOREVER and -1 or w.lease, w.keep, w.channel, w.keys,
  })
end

local function line(key)
  local l = lines[key]
  if not l then
    l = { name = base .. 'q:' .. key, ids = {}, read = 0, joined = {}, left = {}, skip = {} }
    lines[key] = l
  end
  return l
end

-- The id in the n-th place of a queue. Read in portions: mostly the first place is all that matters.
local function place(l, n)
  while n > #l.ids and not l.complete do
    local portion = redis.call('ZRANGE', l.name, l.read, l.read + 15)
    l.read = l.read + 16
    for _, id in ipairs(portion) do
      if not l.skip[id] then table.insert(l.ids, id) end
    end
    if #portion < 16 then
      l.complete = true
      for _, w in ipairs(l.joined) do table.insert(l.ids, w.id) end
    end
  end
  return l.ids[n]
end

local function leave_line(key, id)
  local l = line(key)
  l.skip[id] = true
  table.insert(l.left, id)
  for n, other in ipairs(l.ids) do
    if other == id then table.remove(l.ids, n) break end
  end
  for n, w in ipairs(l.joined) do
    if w.id == id then table.remove(l.joined, n) break end
  end
end

local function leave_lines(w)
  for _, key in ipairs(w.keys) do
    leave_line(key, w.id)
    line(key).lost = math.min(line(key).lost or w.ticket, w.ticket)
  end
  waiting[w.id] = false
  joined_records[w.id], refreshed[w.id] = nil, nil
  left_records[w.id] = true
end

local function join_lines(w)
  waiting[w.id] = w
  joined_records[w.id] = w
  left_records[w.id] = nil
  for _, key in ipairs(w.keys) do
    local l = line(key)
    -- the queue may still name it at the place it had before it was taken for dead
    l.skip[w.id] = true
    for n, other in ipairs(l.ids) do
      if other == w.id then table.remove(l.ids, n) break end
    end
    table.insert(l.joined, w)
    if l.complete then table.insert(l.ids, w.id) end
  end
end
`;
