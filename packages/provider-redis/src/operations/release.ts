import { type Release, type ReleaseReply, TOMBSTONE_LIFETIME } from "@lock/core";
import type { KeyLayout } from "../key-layout.ts";
import { lua } from "../lua/lua.ts";
import { ground, model } from "../lua/model.ts";
import { composeScript, type Script, type ScriptCall } from "../script.ts";
import { releaseOne, releaseSeveral } from "./release-plain.ts";

/*
 * release
 *
 * KEYS  1 counter, 2 floor, then the holders of every key of every release, then the marks of their queues in the same order. What
 *       else may be touched is of the same bucket.
 * ARGV  1 the number of keys of all releases, 2 "s" when they are all by grant or by owner and leave no tombstone, "g" when they are all by grant, of one
 *       key each, and leave none, "n" when there is one such and a note of it, 3 the id of the tombstone that marks this request as carried out ("": it can't come twice), then for each release:
 *       by (g grant, G grant and leave a tombstone, n and N the same of one whose note stands at the key, c claim, C claim and leave a tombstone, o owner,
 *       a no owner), id or owner, number of keys; after "g" or "n" the ids alone
 * reply the answer alone to the only release, or for each release: 1 freed, 0 not; or {"again"}: this very request was carried out before.
 */

/** Somebody waits, or may: what is freed is handed on. */
const handedOn = lua`
local replies, touched, tombstones, notes = {}, {}, {}, {}

local function leave_place(id)
  local w = waiter(id)
  if not w then return false end
  for _, key in ipairs(w.keys) do table.insert(touched, key) end
  leave_lines(w)
  return true
end

local function release_grant(id, keys)
  local freed = 1
  for _, key in ipairs(keys) do
    local h = holders(key)
    local holder = holder_by_id(h, id)
    if holder then
      drop_holder(h, holder)
    else
      freed = 0
      forget_absorbed(h, id)
    end
  end
  leave_place(id)
  return freed
end

-- What was held before this claim absorbed it comes back, for as long as it had.
local function restore(h, holder, limit)
  for n, old in ipairs(holder.before) do
    if old.till > now then
      local rest = { unpack(holder.before, n + 1) }
      note_early_end(h.key, old.till)
      put_holder(h, { id = old.id, token = old.token, kind = holder.kind, owner = holder.owner, handed = old.handed, till = old.till, endless = old.till == FOREVER, before = rest }, limit)
      return
    end
  end
end

local function withdraw(id, keys)
  local freed = leave_place(id) and 1 or 0
  for _, key in ipairs(keys) do
    local h = holders(key)
    local holder = holder_by_id(h, id)
    if holder then
      local limit = h.limit
      drop_holder(h, holder)
      restore(h, holder, limit)
      freed = 1
    else
      forget_absorbed(h, id)
    end
  end
  return freed
end

local function release_owner(owner, keys)
  local freed = 1
  for _, key in ipairs(keys) do
    local h = holders(key)
    local mine = {}
    if owner then
      table.insert(mine, holder_by_owner(h, owner))
    else
      for _, holder in ipairs(all_holders(h)) do
        if holder.kind == 'a' then table.insert(mine, holder) end
      end
    end
    for _, holder in ipairs(mine) do drop_holder(h, holder) end
    if #mine == 0 then freed = 0 end
  end
  return freed
end

local skip, at = #base + 3, 2
for n = 1, asked do
  local by, whose, count, noted = release_at(n)
  local keys = {}
  for _ = 1, count do
    at = at + 1
    local key = string.sub(KEYS[at], skip)
    table.insert(keys, key)
    table.insert(touched, key)
  end
  if by == 'g' or by == 'G' then
    local freed = release_grant(whose, keys)
    table.insert(replies, freed)
    if noted and freed == 1 then table.insert(notes, base .. 'x:' .. keys[1]) end
  elseif by == 'c' or by == 'C' then
    table.insert(replies, withdraw(whose, keys))
  else
    table.insert(replies, release_owner(by == 'o' and whose, keys))
  end
  if by == 'G' or by == 'C' then table.insert(tombstones, base .. 't:' .. whose) end
end
advance(touched)
if #notes > 0 then redis.call('DEL', unpack(notes)) end
if #tombstones > 0 then
  -- a write that can't grow, so that the next may, on a server out of memory too
  redis.call('DEL', unpack(tombstones))
end
write_down()
for _, name in ipairs(tombstones) do redis.call('SET', name, '', 'PX', ${TOMBSTONE_LIFETIME}) end
if ARGV[3] ~= '' then redis.call('SET', base .. 't:' .. ARGV[3], '', 'PX', ${TOMBSTONE_LIFETIME}) end
return replies
`;

export const releaseScript: Script = composeScript(releaseOne, ground, releaseSeveral, model, handedOn);

/** `noted`: at its one key stands the note of a process that hands it on (`stand.ts`), which goes with it. */
export type NotedRelease = Release & { readonly noted?: boolean };

/** More names than this would not fit Lua's stack in one call. */
const MOST_KEYS_AT_ONCE = 1_000;

/**
 * `mark`: an id of this one request. A request that a client may send a second time by itself leaves it for a minute, since
 * releasing by owner twice could free a newer grant.
 */
export function encodeRelease(
  layout: KeyLayout,
  releases: readonly NotedRelease[],
  mark: string | null,
): ScriptCall {
  const keys = [layout.base, layout.floor];
  for (const release of releases) for (const key of release.keys) keys.push(layout.holders(key));
  const count = keys.length - 2;
  for (const release of releases) for (const key of release.keys) keys.push(layout.mark(key));
  const how = count > MOST_KEYS_AT_ONCE ? "" : howToRelease(releases);
  const args: (string | number)[] = [count, how, mark ?? ""];
  for (const release of releases) {
    if (how === "g" || how === "n") args.push(whose(release));
    else args.push(letter(release), whose(release), release.keys.length);
  }
  return { script: releaseScript, keys, args };
}

/** Whether the short ways are open. */
function howToRelease(releases: readonly NotedRelease[]): "g" | "n" | "s" | "" {
  const letters = releases.map(letter);
  if (releases.every(({ keys }, n) => letters[n] === "g" && keys.length === 1)) return "g";
  if (letters.length === 1 && letters[0] === "n") return "n";
  return letters.every((by) => "gnoa".includes(by)) ? "s" : "";
}

function letter(release: NotedRelease): string {
  switch (release.by) {
    case "grant":
      if (release.noted === true) return release.tombstone ? "N" : "n";
      return release.tombstone ? "G" : "g";
    case "claim":
      return release.tombstone ? "C" : "c";
    case "owner":
      return release.ownerId === null ? "a" : "o";
  }
}

function whose(release: Release): string {
  switch (release.by) {
    case "grant":
      return release.grantId;
    case "claim":
      return release.claimId;
    case "owner":
      return release.ownerId ?? "";
  }
}

export function decodeRelease(reply: unknown): ReleaseReply[] {
  const answers: readonly unknown[] = Array.isArray(reply) ? reply : [reply];
  return answers.map((answer) =>
    Array.isArray(answer)
      ? { status: "failed", error: new Error("The release was sent again by the Redis client") }
      : { status: "released", freed: Number(answer) === 1 },
  );
}
