import { CHECK_INTERVAL, HANDOVER_LEASE } from "@lock/core";
import { lua } from "./lua.ts";

/** Writes grants: new ones, those renewed in place, those that an owner's earlier grants become part of. */
export const granting: string = lua`
local HANDOVER, CHECK_INTERVAL = ${HANDOVER_LEASE}, ${CHECK_INTERVAL}
local counter, counted = nil, 0
local ends_early, granted, new_owners = {}, {}, {}

-- The next fencing token, or ticket.
local function next_number()
  if not counter then counter = tonumber(redis.call('GET', base) or 0) end
  counted = counted + 1
  return counter + counted
end

-- Who waits was told to come back when the lease ends that stood in its way then. What ends later than it looks anyway is no news.
local function note_early_end(key, till)
  if till - now < CHECK_INTERVAL then ends_early[key] = true end
end

local function extend(h, holder, lease)
  local till = now + lease
  if till - now < CHECK_INTERVAL and till < till_of(h, holder) then note_early_end(h.key, till) end
  if (till == FOREVER) ~= holder.endless then h.changed = true end
  holder.till, holder.endless = till, till == FOREVER
  h.renewed = true
  if holder.handed then
    holder.handed = false
    h.changed = true
  end
  if not h.one then
    h.fresh[holder.id] = holder
    h.changed = true
  end
  note_owned(holder.owner, h.key, till)
end

local function grant_in_place(w, id)
  local first, till = nil, FOREVER
  for _, key in ipairs(w.keys) do
    local h = holders(key)
    local holder = own(h, w)
    if not w.keep then extend(h, holder, w.lease) end
    first = first or holder
    till = math.min(till, till_of(h, holder))
  end
  return { id = id, token = first.token, till = till }
end

-- More of an owner's claims than these are never withdrawn one after the other: what is older does not come back.
local MOST_BEFORE = 16

-- An owner's earlier grant of a key gives way to the one that it becomes part of. Returns what comes back if that is withdrawn.
local function absorb(h, old, id)
  local before = old.before
  if old.id ~= id then
    before = { { id = old.id, token = old.token, handed = old.handed, till = till_of(h, old) }, unpack(old.before, 1, MOST_BEFORE - 1) }
  end
  drop_holder(h, old)
  return before
end

local function grant_anew(w, handed)
  local token = next_number()
  local till = now + (handed and math.min(w.lease, HANDOVER) or w.lease)
  for _, key in ipairs(w.keys) do
    local h = holders(key)
    local old = own(h, w)
    local before = old and absorb(h, old, w.id) or {}
    note_early_end(key, till)
    if w.owner then
      new_owners[key] = new_owners[key] or {}
      new_owners[key][w.owner] = true
    end
    put_holder(h, { id = w.id, token = token, kind = w.kind, owner = w.owner, handed = handed, till = till, endless = till == FOREVER, before = before }, w.limit)
  end
  return { id = w.id, token = token, till = till }
end

-- Grants what fits, and ends its waiting. handed: to a waiter that does not ask at this moment.
local function grant(w, handed)
  local id = held_under(w)
  local given = id and grant_in_place(w, id) or grant_anew(w, handed)
  if waiter(w.id) then leave_lines(w) end
  granted[w.id] = given
  return given
end

-- Takes a grant out of what a key's holders absorbed, so that it does not come back.
local function forget_absorbed(h, id)
  local holder = h.one
  if h.many and not h.bare then
    local successor = redis.call('HGET', h.set, '<' .. id)
    holder = successor and holder_by_id(h, successor)
  end
  if not holder then return end
  for n, old in ipairs(holder.before) do
    if old.id == id then
      table.remove(holder.before, n)
      table.insert(h.fields, '<' .. id)
      h.changed = true
      if not h.one then h.fresh[holder.id] = holder end
      return
    end
  end
end
`;
