import type { Release, ReleaseReply } from "@lock/core";
import { readHandovers, type Handovers } from "./handovers.ts";
import { RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0004_release.sql`. */
export const releaseSignature = "locking_release(text,text,bigint[],text[],json)";

const text = "SELECT n, outcome, id, fence, place, ms FROM locking_release($1, $2, $3, $4, $5)";

export function releaseCall(namespace: string, channel: string | null, releases: readonly Release[]): Call {
  const keys = new RequestKeys(namespace, releases);
  const named = new Set<string>();
  const requests = releases.map((release, n) => {
    const places = keys.placesOf(release.keys);
    if (release.by === "owner") return { n, how: release.by, owner: release.ownerId, solo: null, keys: places, tombstone: false };
    const id = release.by === "grant" ? release.grantId : release.claimId;
    const plain = release.by === "grant" && places.length === 1 && !release.tombstone && !named.has(id);
    named.add(id);
    return { n, how: release.by, id, solo: plain ? places[0] : null, keys: places, tombstone: release.tombstone };
  });
  return { name: "locking_release", text, values: [namespace, channel, keys.hashes, keys.keys, JSON.stringify(requests)] };
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
