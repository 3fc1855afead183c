import type { Renewal, RenewReply } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { CHECK_INTERVAL } from "@lock/core";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { encodeLease } from "./span.ts";

/*
 * renew
 *
 * KEYS  1 counter, 2 floor, then the holders of every key of every renewal
 * ARGV  for each renewal: grant id, lease in ms (-1: without end, 0: only to be told whether it is held), number of keys
 * reply for each renewal: 1 renewed, on all its keys; 0 lost, and nothing changed
 */

/**
 * What jobs need every few seconds: all the locks are held by one each, in no index, and get a lease that outlasts every
 * waiter's next look. Then expiry is all that changes, and that a hand-over is confirmed.
 */
const steady = lua`
local function renew_steadily()
  local at, replies, confirmed, read = 2, {}, {}, nil
  if #KEYS <= 1000 then read = redis.call('MGET', unpack(KEYS, 2)) else return nil end
  local floor = tonumber(read[1] or 0)
  for n = 1, #ARGV / 3 do
    local a = n * 3 - 2
    if tonumber(ARGV[a + 1]) < ${CHECK_INTERVAL} then return nil end
    replies[n] = 1
    for _ = 1, ARGV[a + 2] do
      local id, token, kind, mark, ending = string.match(read[at] or '', '^(%S+) (%d+) (%a)(.)(.) ')
      if not id or kind == 'o' or ending == '~' or tonumber(token) <= floor then return nil end
      if id ~= ARGV[a] then replies[n] = 0 end
      if mark == '?' then confirmed[at + 1] = id .. ' ' .. token .. ' ' .. kind .. '-- ' end
      at = at + 1
    end
  end
  at = 3
  for n, whole in ipairs(replies) do
    for _ = 1, ARGV[n * 3] do
      if whole == 1 then
        redis.call('PEXPIRE', KEYS[at], ARGV[n * 3 - 1])
        if confirmed[at] then redis.call('SET', KEYS[at], confirmed[at], 'KEEPTTL') end
      end
      at = at + 1
    end
  end
  return replies
end

local renewed = renew_steadily()
if renewed then return renewed end
`;

const renew = lua`
local replies, skip, at = {}, #base + 3, 2
for a = 1, #ARGV, 3 do
  local id, lease, found, whole = ARGV[a], tonumber(ARGV[a + 1]), {}, 1
  if lease < 0 then lease = FOREVER end
  for _ = 1, ARGV[a + 2] do
    at = at + 1
    local h = holders(string.sub(KEYS[at], skip))
    local holder = holder_by_id(h, id)
    if holder then table.insert(found, { h, holder }) else whole = 0 end
    if h.ghost and h.ghost.id == id then clear_ghost(h) end
  end
  if whole == 1 and lease > 0 then
    for _, one in ipairs(found) do extend(one[1], one[2], lease) end
  end
  table.insert(replies, whole)
end
write_down()
return replies
`;

export const renewScript: Script = composeScript(steady, ground, model, renew);

export function encodeRenew(layout: KeyLayout, renewals: readonly Renewal[]): ScriptCall {
  const keys = [layout.base, layout.floor];
  const args: (string | number)[] = [];
  for (const renewal of renewals) {
    for (const key of renewal.keys) keys.push(layout.holders(key));
    args.push(renewal.grantId, renewal.lease === 0 ? 0 : encodeLease(renewal.lease), renewal.keys.length);
  }
  return { script: renewScript, keys, args };
}

export function decodeRenew(renewals: readonly Renewal[], reply: unknown): RenewReply[] {
  return (reply as unknown[]).map((answer, n) =>
    Number(answer) === 1
      ? { status: "renewed", remaining: (renewals[n] as Renewal).lease }
      : { status: "lost" },
  );
}
