import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { inspectScript } from "./inspect.ts";
import { renewScript } from "./renew.ts";

/** Far more than are ever granted between a write and its replication. 2^53 has room for nine million such leaps. */
const LEAP = 1_000_000_000;

/*
 * succession: before a server is asked for tokens that this process doesn't know it by
 *
 * KEYS  1 counter
 * ARGV  1 the greatest token that this process was given here, 2 whether the server is a node of a cluster (1 or 0)
 * reply OK
 *
 * `r` names the server that the counter was last used on. One that finds another's name there took over from it, or was restarted, and
 * may have lost the latest tokens; so the counter leaps ahead of all that can have been given out.
 */
const succession = lua`
local base, seen = KEYS[1], tonumber(ARGV[1])
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or '-'
local me = (ARGV[2] == '1' and redis.call('CLUSTER', 'MYID') or '') .. ' ' .. run
local before = redis.call('GET', base .. 'r')
local counter = tonumber(redis.call('GET', base) or 0)
if before == me and counter >= seen then return 'OK' end
-- a write that can't grow, so that the next may, on a server out of memory too
redis.call('DEL', base .. 'r')
if before and before ~= me or counter < seen then
  local highest = math.max(counter, seen, tonumber(redis.call('GET', base .. 'f') or 0))
  redis.call('INCRBY', base, string.format('%.0f', highest + ${LEAP} - counter))
end
redis.call('SET', base .. 'r', me)
return 'OK'
`;

export const successionScript: Script = composeScript(succession);

export function encodeSuccession(layout: KeyLayout, seen: number, cluster: boolean): ScriptCall {
  return { script: successionScript, keys: [layout.base], args: [seen, cluster ? 1 : 0] };
}

/** How a script begins on a node of a cluster, where slots change hands behind a connection's back. */
const knownServer = lua`
if string.sub(redis.call('GET', KEYS[1] .. 'r') or '', 1, 40) ~= redis.call('CLUSTER', 'MYID') then
  return redis.error_reply('UNKNOWNSERVER the counter was last used on another')
end
`;

// What gives no tokens works whatever there is to say about the counter, also on a server that can't write it.
const tokenless = new Set([successionScript, renewScript, inspectScript]);
const clustered = new Map<Script, Script>();

export function givesTokens({ script }: ScriptCall): boolean {
  return !tokenless.has(script);
}

/** A script as it is on a cluster, where a message on a channel of its slot is counted by all who hear it. */
export function onCluster(script: Script): Script {
  let made = clustered.get(script);
  if (made === undefined) {
    const text = script.text.replaceAll("call('PUBLISH'", "call('SPUBLISH'");
    made = tokenless.has(script) ? composeScript(text) : composeScript(knownServer, text);
    clustered.set(script, made);
  }
  return made;
}

export function isServerUnknown(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("UNKNOWNSERVER");
}
