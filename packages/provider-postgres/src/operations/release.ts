import type { Release, ReleaseReply } from "@lock/core";
import { knownHash } from "../key-hash.ts";
import { readHandovers, type Handovers } from "./handovers.ts";
import { RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0015_quick_rows.sql`. */
export const releaseSignature = "locking_release(text,text,bigint[],text[],json,json)";

/** The same for one key of one grant without a tombstone, or of one owner. */
export const releaseOneSignature = "locking_release_one(text,text,bigint,text,text,text)";

const columns = "n, outcome, id, fence, place, ms";
const text = `SELECT ${columns} FROM locking_release($1, $2, $3, $4, $5, $6)`;
const textOfOne = `SELECT ${columns} FROM locking_release_one($1, $2, $3, $4, $5, $6)`;

export function releaseCall(namespace: string, channel: string | null, releases: readonly Release[]): Call {
  const [one] = releases;
  if (releases.length === 1 && one?.keys.length === 1) {
    if (one.by === "owner") return releaseOneCall(namespace, channel, one, null, one.ownerId);
    if (one.by === "grant" && !one.tombstone)
      return releaseOneCall(namespace, channel, one, one.grantId, null);
  }
  const keys = new RequestKeys(namespace, releases);
  const once = keysNamedOnce(releases);
  const named = new Set<string>();
  const plain: object[] = [];
  const others: object[] = [];
  for (const [n, release] of releases.entries()) {
    const places = keys.placesOf(release.keys);
    if (release.by === "owner") {
      const [key] = release.keys as [string];
      const solo = places.length === 1 && once.has(key) ? places[0] : undefined;
      others.push({ n, how: release.by, owner: release.ownerId, keys: places, solo, tombstone: false });
      continue;
    }
    const { by: how, tombstone } = release;
    const id = how === "grant" ? release.grantId : release.claimId;
    if (how === "grant" && places.length === 1 && !tombstone && !named.has(id))
      plain.push({ n, id, solo: places[0] });
    else others.push({ n, how, id, keys: places, tombstone });
    named.add(id);
  }
  return {
    name: "locking_release",
    text,
    values: [
      namespace,
      channel,
      keys.hashes,
      keys.keys,
      JSON.stringify(plain),
      others.length === 0 ? null : JSON.stringify(others),
    ],
  };
}

/** What an owner holds of these is freed together, whatever the order of the call. */
function keysNamedOnce(releases: readonly Release[]): ReadonlySet<string> {
  const once = new Set<string>();
  const all = new Set<string>();
  for (const { keys } of releases) {
    for (const key of keys) {
      if (all.has(key)) once.delete(key);
      else once.add(key);
      all.add(key);
    }
  }
  return once;
}

function releaseOneCall(
  namespace: string,
  channel: string | null,
  { keys }: Release,
  grantId: string | null,
  ownerId: string | null,
): Call {
  const [key] = keys as [string];
  const values = [namespace, channel, knownHash(namespace, key).text, key, grantId, ownerId];
  return { name: "locking_release_one", text: textOfOne, values };
}

export function readReleaseReplies(
  releases: readonly Release[],
  rows: readonly Row[],
): { replies: ReleaseReply[]; handovers: Handovers } {
  const freed = new Set<number>();
  const others: Row[] = [];
  for (const row of rows) {
    if (row[1] === "freed") freed.add(Number(row[0]));
    else others.push(row.slice(1));
  }
  return {
    replies: releases.map((_, n) => ({ status: "released", freed: freed.has(n) })),
    handovers: readHandovers(others),
  };
}
