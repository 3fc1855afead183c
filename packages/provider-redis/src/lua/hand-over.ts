import { lua } from "./lua.ts";

/**
 * Hands free keys to the first that fit, in the step that frees them, and tells the process of each on its own channel:
 * `g <claim> <ticket> <token> <remaining>`, or `w <claim>`: ask.
 */
export const handOver: string = lua`
local MOST, FAR = 100, 512
local asking, woken, mail, handed_over = {}, {}, {}, 0

local function tell(w, text, given, place_left)
  if w.channel == '' then return end
  local letter = mail[w.channel]
  if not letter then
    letter = { lines = {}, grants = {} }
    mail[w.channel] = letter
  end
  table.insert(letter.lines, text)
  if given then table.insert(letter.grants, { w = w, given = given, place_left = place_left }) end
end

-- Told once: what it asks then, it is answered for all of its keys.
local function wake(w)
  if asking[w.id] or woken[w.id] then return end
  woken[w.id] = true
  tell(w, 'w ' .. w.id)
end

local function hand_to(w)
  handed_over = handed_over + 1
  local place_left = redis.call('PTTL', base .. 'w:' .. w.id)
  local given = grant(w, true)
  tell(w, table.concat({ 'g', w.id, digits(w.ticket), digits(given.token), digits(given.till - now) }, ' '), given, place_left)
end

local function advance(keys)
  local work, n = {}, 1
  for _, key in ipairs(keys) do table.insert(work, key) end
  while work[n] do
    local key, at = work[n], 1
    n = n + 1
    while true do
      local id = place(line(key), at)
      if not id then break end
      local w = waiter(id)
      if not w then
        leave_line(key, id)
      elseif fits(w) then
        if not asking[id] and held_under(w) then
          -- granted in place when it asks: only an answer can say under which grant
          wake(w)
          at = at + 1
        elseif not asking[id] and handed_over == MOST then
          -- enough for one script: this waiter, when it asks, goes on from here; of other keys the first is told as well
          wake(w)
          break
        else
          if asking[id] then grant(w, false) else hand_to(w) end
          for _, other in ipairs(w.keys) do
            if other ~= key then table.insert(work, other) end
          end
        end
      elseif own(holders(key), w) then
        at = at + 1
      else
        -- only who stood before it may have been told of a lease that comes to end sooner
        local lost = line(key).lost
        if lost and lost < w.ticket then note_early_end(key, first_end(holders(key))) end
        break
      end
    end
  end
end

-- The first in line for what is held for a short while only asks again, to learn when that ends.
local function tell_of_early_ends()
  for key in pairs(ends_early) do
    local w = ahead(nil, key)
    if w then wake(w) end
  end
end

local function mentions(text, owners)
  for owner in pairs(owners) do
    if text and string.find(text, owner, 1, true) then return true end
  end
  return false
end

-- Who waits for what its owner has come to hold need not stand in line for it: it asks, and is granted in place. The records come in
-- one read, and few are unpacked: this is part of every hand-over to an owner.
local function tell_of_new_owners()
  for key, owners in pairs(new_owners) do
    local ids, names = {}, {}
    while #ids < FAR and place(line(key), #ids + 1) do
      local id = place(line(key), #ids + 1)
      table.insert(ids, id)
      table.insert(names, base .. 'w:' .. id)
    end
    for n, text in ipairs(#ids > 0 and redis.call('MGET', unpack(names)) or {}) do
      local w = mentions(text, owners) and waiter(ids[n])
      if w and w.owner and own(holders(key), w) and fits(w) then wake(w) end
    end
  end
end
`;
