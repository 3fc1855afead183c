import type { Place } from "./key-record.ts";

const none: readonly Place[] = [];

/** The claims that wait, by owner: what one of them is granted, the others are granted in place. */
export class OwnersWaiting {
  readonly #owners = new Map<string, Set<Place>>();

  add(waiting: Place): void {
    const { ownerId } = waiting.claim;
    if (ownerId === null) return;
    const own = this.#owners.get(ownerId);
    if (own === undefined) this.#owners.set(ownerId, new Set([waiting]));
    else own.add(waiting);
  }

  remove(waiting: Place): void {
    const { ownerId } = waiting.claim;
    if (ownerId === null) return;
    const own = this.#owners.get(ownerId);
    own?.delete(waiting);
    if (own?.size === 0) this.#owners.delete(ownerId);
  }

  idsOf(ownerId: string): string[] {
    return Array.from(this.#owners.get(ownerId) ?? none, ({ claim }) => claim.id);
  }
}
