import type { Renewal, RenewReply } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { encodeLease } from "./span.ts";

/*
 * renew
 *
 * KEYS  1 counter, then the holders of every key of every renewal
 * ARGV  for each renewal: grant id, lease in ms (-1: without end), number of keys
 * reply for each renewal: 1 renewed, on all its keys; 0 lost, and nothing changed
 */
const renew = lua`
local replies, skip, at = {}, #base + 3, 1
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
  if whole == 1 then
    for _, one in ipairs(found) do extend(one[1], one[2], lease) end
  end
  table.insert(replies, whole)
end
write_down()
return replies
`;

export const renewScript: Script = composeScript(ground, model, renew);

export function encodeRenew(layout: KeyLayout, renewals: readonly Renewal[]): ScriptCall {
  const keys = [layout.base];
  const args: (string | number)[] = [];
  for (const renewal of renewals) {
    for (const key of renewal.keys) keys.push(layout.holders(key));
    args.push(renewal.grantId, encodeLease(renewal.lease), renewal.keys.length);
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
