import type { Claim } from "@lock/core";
import type { Holding, Place } from "./model-grant.ts";

/** Who holds what, and who waits, in the order of their tickets. */
export interface Scene {
  readonly holdings: readonly Holding[];
  readonly places: readonly Place[];
}

/** The key as the claim's owner holds it already, with the same limit. */
export function ownHolding({ holdings }: Scene, claim: Claim, key: string): Holding | undefined {
  const { id, kind, ownerId, limit } = claim;
  return holdings.find(
    ({ key: held, grant }) =>
      held === key &&
      (grant.id === id || (kind === "acquire" && ownerId !== null && grant.ownerId === ownerId)) &&
      grant.limit === limit,
  );
}

/** Whether a claim stands in the queue of a key: it wants it, and its owner does not hold it. */
export function lacks(scene: Scene, claim: Claim, key: string): boolean {
  return claim.keys.includes(key) && ownHolding(scene, claim, key) === undefined;
}

/** All that keeps a claim from the keys it lacks: holders that it can't share with, and who stands before it. */
export function inTheWay(scene: Scene, claim: Claim, ticket: number): readonly (Holding | Place)[] {
  return claim.keys
    .filter((key) => lacks(scene, claim, key))
    .flatMap((key) => {
      const holders = scene.holdings.filter((each) => each.key === key);
      const room = holders.length < claim.limit && holders.every((each) => each.grant.limit === claim.limit);
      const earlier = scene.places.filter(
        (each) => each.ticket < ticket && each.claim.id !== claim.id && lacks(scene, each.claim, key),
      );
      return [...(room ? [] : holders), ...earlier];
    });
}

/** Whether a claim's owner holds all its keys already, under one grant. */
export function isHadWhole(scene: Scene, claim: Claim): boolean {
  const held = claim.keys.map((key) => ownHolding(scene, claim, key));
  return held.every((each) => each !== undefined && each.grant === held[0]!.grant);
}
