import type { KeyState } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { clock } from "../lua/clock.ts";
import { holders } from "../lua/holders.ts";
import { lua } from "../lua/lua.ts";
import { standing } from "../lua/standing.ts";
import { waiters } from "../lua/waiters.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { decodeLimit, decodeSpan } from "./span.ts";

/*
 * inspect: changes nothing
 *
 * KEYS  1 counter, then the holders of each key
 * ARGV  1 the number of keys
 * reply for each key: {claims waiting, limit (0: none), then for each holder: owner or "", token, remaining in ms (-1: without end)}
 */
const inspect = lua`
local replies, skip = {}, #base + 3
for at = 2, ARGV[1] + 1 do
  local key = string.sub(KEYS[at], skip)
  local h = holders(key)
  local standing_here, n = 0, 1
  while true do
    local id = place(line(key), n)
    if not id then break end
    local w = waiter(id)
    if w and not own(h, w) then standing_here = standing_here + 1 end
    n = n + 1
  end
  local reply = { standing_here, h.limit == FOREVER and 0 or h.limit or 0 }
  for _, holder in ipairs(all_holders(h)) do
    local till = till_of(h, holder)
    table.insert(reply, holder.owner or '')
    table.insert(reply, holder.token)
    table.insert(reply, till == FOREVER and -1 or till - now)
  end
  table.insert(replies, reply)
end
return replies
`;

export const inspectScript: Script = composeScript(clock, holders, waiters, standing, inspect);

export function encodeInspect(layout: KeyLayout, keys: readonly string[]): ScriptCall {
  const names = [layout.base];
  for (const key of keys) names.push(layout.holders(key));
  return { script: inspectScript, keys: names, args: [keys.length] };
}

export function decodeInspect(keys: readonly string[], reply: unknown): KeyState[] {
  return (reply as unknown[][]).map((state, n) => {
    const [waiting, limit, ...rest] = state;
    const holders = [];
    for (let at = 0; at < rest.length; at += 3) {
      const [owner, token, remaining] = rest.slice(at, at + 3);
      holders.push({
        ownerId: owner === "" ? null : String(owner),
        fencingToken: BigInt(Number(token)),
        limit: decodeLimit(limit),
        remaining: decodeSpan(remaining),
      });
    }
    return { key: keys[n] as string, holders, waiting: Number(waiting) };
  });
}
