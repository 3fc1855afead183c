import type { Claim } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { encodeLease, encodeLimit } from "./span.ts";

/** What makes the parts of a claim, held in several buckets, one grant. */
export interface Seal {
  readonly grantId: string;
  readonly claim: Claim;
  /** Those of the bucket. */
  readonly keys: readonly string[];
  /** The greatest of all the parts' tokens. */
  readonly token: number;
}

/*
 * seal: the last pass over the buckets of a claim
 *
 * KEYS  1 counter, 2 floor, then the holders of each key
 * ARGV  1 grant id, 2 its owner ("": none), 3 limit (0: none), 4 lease in ms (-1: without end), 5 token, 6 number of keys
 * reply the token that the grant now has here, the one asked for or a greater one; or 0: not held any more, and nothing changed
 */
const seal = lua`
local id, owner, limit, lease, token = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
if limit == 0 then limit = FOREVER end
if lease < 0 then lease = FOREVER end
-- withdrawn, while this was on its way: what its owner held before is not to become part of it again
if redis.call('EXISTS', base .. 't:' .. id) == 1 then return 0 end
local w, skip, found = { id = id, owner = owner ~= '' and owner or nil, limit = limit }, #base + 3, {}
for at = 3, ARGV[6] + 2 do
  local h = holders(string.sub(KEYS[at], skip))
  local holder = own(h, w)
  if not holder then return 0 end
  table.insert(found, { h, holder })
end

next_number()
counted = 0
local known, whole = true, true
for _, one in ipairs(found) do
  whole = whole and one[2].id == id
  known = known and one[2].token == token
end
-- An earlier grant of the owner's, or somebody else with whom the key is shared, may have this token.
if not (whole and (known or limit == 1)) and counter >= token then token = counter + 1 end
if counter < token then counted = token - counter end

for _, one in ipairs(found) do
  local h, holder = one[1], one[2]
  if holder.id == id then
    holder.token = token
    h.changed = true
    extend(h, holder, lease)
  else
    local before, kind, till = absorb(h, holder, id), holder.kind, now + lease
    note_early_end(h.key, till)
    put_holder(h, { id = id, token = token, kind = kind, owner = holder.owner, handed = false, till = till, endless = till == FOREVER, before = before }, limit)
  end
end
write_down()
return token
`;

export const sealScript: Script = composeScript(ground, model, seal);

export function encodeSeal(layout: KeyLayout, { grantId, claim, keys, token }: Seal): ScriptCall {
  const names = [layout.base, layout.floor];
  for (const key of keys) names.push(layout.holders(key));
  const owner = claim.kind === "acquire" ? (claim.ownerId ?? "") : "";
  const args = [grantId, owner, encodeLimit(claim.limit), encodeLease(claim.lease), token, keys.length];
  return { script: sealScript, keys: names, args };
}
