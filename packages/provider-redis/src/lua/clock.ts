import { lua } from "./lua.ts";

/** `base`: what every key of the bucket begins with. `now`: milliseconds by the server's clock, which stands still in a script. */
export const clock: string = lua`
local base = KEYS[1]
local FOREVER = math.huge
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- '..' rounds a number from the 15th digit on
local function digits(number)
  if number == FOREVER then return 'inf' end
  return string.format('%.0f', number)
end
`;
