import type { Release } from "@lock/core";
import { RequestKeys, type Call } from "./request.ts";

export type GrantRelease = Extract<Release, { by: "grant" }>;

// With the keys locked, as whatever changes a row that is not expired: the functions rely on it that their rows stay where they found them.
const text = `
WITH entered AS MATERIALIZED (SELECT locking_enter($2::bigint[]))
UPDATE locking SET prior = NULL FROM entered
 WHERE namespace = $1 AND hash = ANY($2::bigint[]) AND prior->>'claim_id' = ANY($3::text[])`;

/** Sees to it that these grants, where later ones of their owners took them over, are not brought back when those are withdrawn. */
export function forgetPriorCall(namespace: string, releases: readonly GrantRelease[]): Call {
  const { hashes } = new RequestKeys(namespace, releases);
  return {
    name: "locking_forget_prior",
    text,
    values: [namespace, hashes, releases.map(({ grantId }) => grantId)],
  };
}
