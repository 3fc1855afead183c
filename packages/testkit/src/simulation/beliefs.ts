import type { Lock } from "@lock/core";
import type { Attempt } from "./attempt.ts";
import type { ModelGrant } from "./model-grant.ts";
import type { World } from "./world.ts";

interface Belief {
  readonly attempt: Attempt;
  readonly lock: Lock;
  readonly grant: ModelGrant;
}

/** Who acts as a holder of what, and whether that is true. */
export class Beliefs {
  /** How often two held what only one may because the backend's clock was set. */
  brokenBySteps = 0;
  readonly #world: World;
  readonly #beliefs = new Set<Belief>();
  readonly #broken = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** From here on the attempt acts as a holder, until what is returned is called. */
  hold(attempt: Attempt, lock: Lock): () => void {
    const world = this.#world;
    const token = lock.fencingToken;
    const name = `call ${attempt.call.name}`;
    world.tell(attempt.process.name, () => `${name} holds [${lock.keys.join(", ")}], token ${token}`);
    const grant = world.backend.grants.get(Number(token));
    if (grant === undefined) {
      world.violate("unknown token", `${name} has a token that was never given: ${token}`);
      return () => {};
    }
    const belief: Belief = { attempt, lock, grant };
    this.#beliefs.add(belief);
    return () => {
      if (this.#beliefs.delete(belief))
        world.tell(attempt.process.name, () => `${name} acts as a holder no longer`);
    };
  }

  /** Whether the backend holds all of it still, for as long as the handle says. */
  isTrue({ lock, grant }: Belief): boolean {
    const { backend, clock, offset } = this.#world;
    const until = clock.now() + offset + lock.remaining();
    // Both sides counted from different numbers, some of them fractions.
    return lock.keys.every((key) => (backend.holding(key, grant.id)?.endsAt ?? -1) >= until - 1e-6);
  }

  /** Looks at all of them, as they are at this moment. */
  check(): void {
    const live = [...this.#beliefs].filter(
      ({ attempt, lock }) => attempt.process.state === "running" && lock.remaining() > 0,
    );
    const { unstepped } = this.#world.conditions;
    for (const [index, belief] of live.entries()) {
      if (unstepped && !belief.grant.meddled && !this.isTrue(belief)) {
        const { attempt, lock } = belief;
        this.#world.violate(
          "false belief",
          `call ${attempt.call.name} believes to hold [${lock.keys.join(", ")}] for ${lock.remaining()} ms more; the backend does not hold it so long`,
        );
      }
      for (const other of live.slice(0, index)) this.#compare(other, belief);
    }
  }

  #compare(one: Belief, other: Belief): void {
    const [older, newer] = one.grant.token < other.grant.token ? [one, other] : [other, one];
    const together = older.lock.keys.filter((key) => newer.lock.keys.includes(key));
    // Whoever was granted in place shares the grant with itself.
    if (together.length === 0 || older.grant === newer.grant || older.grant.meddled || newer.grant.meddled)
      return;
    if (older.grant.limit === newer.grant.limit && newer.grant.limit > 1) return;
    const calls = `calls ${older.attempt.call.name} and ${newer.attempt.call.name}`;
    if (this.#world.conditions.unstepped) {
      return this.#world.violate(
        "exclusion",
        `${calls} both hold [${together.join(", ")}], and both signals are live`,
      );
    }
    if (!this.#broken.has(calls)) this.brokenBySteps += 1;
    this.#broken.add(calls);
    if (newer.lock.fencingToken <= older.lock.fencingToken) {
      this.#world.violate(
        "fencing",
        `${calls} both hold [${together.join(", ")}], and no token tells them apart`,
      );
    }
  }
}
