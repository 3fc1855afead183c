import { PLACE_LIFETIME } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { encodeLease } from "./span.ts";

/** What a process asks that hands a lock on among its own callers. */
export interface Stand {
  readonly key: string;
  readonly grantId: string;
  /** Milliseconds, from now. */
  readonly lease: number;
  /** Its own channel, on which it wants to hear of who waits at the server. */
  readonly channel: string;
  /** How many fencing tokens it needs. */
  readonly tokens: number;
  /** Whether those of its own callers that wait at the server come home: never, where nobody else waits there, or in any case. */
  readonly recall: "never" | "alone" | "always";
}

export type StandReply =
  | { readonly status: "lost" }
  | {
      readonly status: "held";
      /** The last of the tokens; they follow one another. */
      readonly lastToken: number;
      /** How many of others wait at the server. */
      readonly others: number;
      /** Who came home and does not wait at the server any more, first come, first named. */
      readonly recalled: readonly { readonly claimId: string; readonly ticket: number }[];
    };

/** More places than this are not looked through: the rest is taken for others'. */
const MOST_PLACES = 512;

/*
 * stand: whether a lock that is handed on inside a process may go on so
 *
 * KEYS  1 counter, 2 floor, 3 holders of the key, 4 the mark of its queue. What else is touched is of the same key.
 * ARGV  1 grant id, 2 lease in ms, 3 channel of the process, 4 how many tokens, 5 which of its own waiters come home: - none, a all if no
 *       others wait, A all
 * reply {0}: not held any more; or {1, last token, how many others wait, then id and ticket of each that came home}
 *
 * `x:<key>` is `<grant id> <channel>`: who queues tells the process so, on that channel: `f <grant id>`.
 */
const stand = lua`
local base, key = KEYS[1], string.sub(KEYS[3], #KEYS[1] + 3)
local read = redis.call('MGET', KEYS[2], KEYS[3], KEYS[4])
local id, token, kind = string.match(read[2] or '', '^(%S+) (%d+) (%a).%- ')
if id ~= ARGV[1] or read[1] and tonumber(token) <= tonumber(read[1]) then return { 0 } end

local line, own, tickets, others, dead = base .. 'q:' .. key, {}, {}, 0, {}
if read[3] then
  for n, waiting in ipairs(redis.call('ZRANGE', line, 0, ${MOST_PLACES})) do
    local text = n <= ${MOST_PLACES} and redis.call('GET', base .. 'w:' .. waiting)
    if n > ${MOST_PLACES} then
      others = others + 1
    elseif text then
      local place = cmsgpack.unpack(text)
      local joins = place[2] == 'e' and place[4] == 1 and #place[8] == 1 and place[5] == tonumber(ARGV[2])
      if joins and place[7] == ARGV[3] then table.insert(own, waiting) tickets[waiting] = place[1] else others = others + 1 end
    else
      table.insert(dead, waiting)
    end
  end
end
local home = ARGV[5] == 'A' or ARGV[5] == 'a' and others == 0

local last = redis.call('INCRBY', base, ARGV[4])
if last == tonumber(ARGV[4]) then redis.call('DEL', base .. 'f') end
redis.call('SET', KEYS[3], id .. ' ' .. token .. ' ' .. kind .. '-- ', 'PX', ARGV[2])
redis.call('SET', base .. 'x:' .. key, id .. ' ' .. ARGV[3], 'PX', ${PLACE_LIFETIME})
if #dead > 0 then redis.call('ZREM', line, unpack(dead)) end
if home and #own > 0 then
  redis.call('ZREM', line, unpack(own))
  for _, waiting in ipairs(own) do redis.call('DEL', base .. 'w:' .. waiting) end
end
if read[3] and redis.call('EXISTS', line) == 0 then
  redis.call('DEL', KEYS[4])
  redis.call('ZREM', base .. 'z', key)
end
local reply = { 1, last, others }
for _, waiting in ipairs(home and own or {}) do
  table.insert(reply, waiting)
  table.insert(reply, tickets[waiting])
end
return reply
`;

export const standScript: Script = composeScript(stand);

export function encodeStand(layout: KeyLayout, request: Stand): ScriptCall {
  const { key, grantId, lease, channel, tokens, recall } = request;
  const home = { never: "-", alone: "a", always: "A" }[recall];
  return {
    script: standScript,
    keys: [layout.base, layout.floor, layout.holders(key), layout.mark(key)],
    args: [grantId, encodeLease(lease), channel, tokens, home],
  };
}

export function decodeStand(reply: unknown): StandReply {
  const [held, lastToken, others, ...recalled] = reply as unknown[];
  if (Number(held) === 0) return { status: "lost" };
  return {
    status: "held",
    lastToken: Number(lastToken),
    others: Number(others),
    recalled: recalled.flatMap((claimId, n) =>
      n % 2 === 0 ? [{ claimId: String(claimId), ticket: Number(recalled[n + 1]) }] : [],
    ),
  };
}
