import type { Release } from "@lock/core";
import { keyHash } from "../key-hash.ts";
import type { Call } from "./request.ts";

export type GrantRelease = Extract<Release, { by: "grant" }>;

/** Sees to it that these grants, where later ones of their owners took them over, are not brought back when those are withdrawn. */
export function forgetPriorCall(namespace: string, releases: readonly GrantRelease[]): Call {
  const hashes = releases.flatMap(({ keys }) => keys.map((key) => String(keyHash(namespace, key))));
  return {
    name: "locking_forget_prior",
    text: "UPDATE locking SET prior = NULL WHERE namespace = $1 AND hash = ANY($2::bigint[]) AND prior->>'claim_id' = ANY($3::text[])",
    values: [namespace, hashes, releases.map(({ grantId }) => grantId)],
  };
}
