import type { Release } from "@lock/core";
import { RequestKeys, type Call } from "./request.ts";

export type GrantRelease = Extract<Release, { by: "grant" }>;

/** `migrations/0014_prior_chain.sql`. */
export const releaseAbsorbedSignature = "locking_release_absorbed(text,text,bigint[],text[],json)";

/** Frees these grants, and sees to it that they are not brought back where later ones of their owners that took them over are withdrawn. */
export function releaseAbsorbedCall(
  namespace: string,
  channel: string | null,
  releases: readonly GrantRelease[],
): Call {
  const keys = new RequestKeys(namespace, releases);
  const grants = releases.map((release, n) => {
    const { by: how, grantId: id, tombstone } = release;
    return { n, how, id, keys: keys.placesOf(release.keys), tombstone };
  });
  return {
    name: "locking_release_absorbed",
    text: "SELECT n, outcome, id, fence, place, ms FROM locking_release_absorbed($1, $2, $3, $4, $5)",
    values: [namespace, channel, keys.hashes, keys.keys, JSON.stringify(grants)],
  };
}
