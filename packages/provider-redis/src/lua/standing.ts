import { lua } from "./lua.ts";

/** Whether a claim fits: the rule of `limit`, and that nobody passes an earlier waiter. */
export const standing: string = lua`
-- What the claim, or its owner, holds of a key already.
local function own(h, w)
  if h.limit ~= w.limit then return nil end
  return holder_by_id(h, w.id) or (w.owner and holder_by_owner(h, w.owner)) or nil
end

local function has_room(h, w)
  return h.count == 0 or (h.limit == w.limit and h.count < w.limit)
end

-- The first waiter of a key that stands before this claim (nil: the first of all). One whose owner holds the key does not stand
-- in its queue: it waits for others of its keys only.
local function ahead(w, key)
  local l, n = line(key), 1
  while true do
    local id = place(l, n)
    if not id or (w and id == w.id) then return nil end
    local other = waiter(id)
    if not other then
      leave_line(key, id)
    elseif own(holders(key), other) then
      n = n + 1
    else
      return other
    end
  end
end

local function fits(w)
  for _, key in ipairs(w.keys) do
    local h = holders(key)
    if not own(h, w) and (not has_room(h, w) or ahead(w, key)) then return false end
  end
  return true
end

-- The one grant under which all the keys are held already, if there is one.
local function held_under(w)
  local id = nil
  for _, key in ipairs(w.keys) do
    local holder = own(holders(key), w)
    if not holder or (id and holder.id ~= id) then return nil end
    id = holder.id
  end
  return id
end
`;
