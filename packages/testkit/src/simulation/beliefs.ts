import type { Lock } from "@lock/core";
import { findConflict } from "../history/check.ts";
import type { HistoryEvent } from "../history/event.ts";
import type { Attempt } from "./attempt.ts";
import type { ModelGrant } from "./model-grant.ts";
import type { World } from "./world.ts";

interface Belief {
  readonly attempt: Attempt;
  readonly lock: Lock;
  readonly grant: ModelGrant;
  /** Until when its handle was certain when it was looked at last; -1: it is over, and noted. */
  until: number;
}

/** Who acts as a holder of what, and whether that is true. */
export class Beliefs {
  readonly #world: World;
  readonly #beliefs = new Set<Belief>();
  readonly #history: HistoryEvent[] = [];
  readonly #broken = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** How many pairs held together what only one may because the backend's clock was set. */
  get brokenBySteps(): number {
    return this.#broken.size;
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
    if (world.conditions.fair && world.backend.places.some(({ claim }) => claim.id === attempt.claimId))
      world.violate("holds and waits", `${name} holds, and stands in the queue still`);
    const now = world.clock.now();
    // What it was told before was of an earlier grant of this claim.
    attempt.process.toldLost.delete(grant.id);
    const belief: Belief = { attempt, lock, grant, until: now + lock.remaining() };
    // A handle may come when its lease is over; it says so, and nobody believes in it.
    if (belief.until > now && !grant.meddled) this.#note(belief, "granted", now);
    this.#beliefs.add(belief);
    return () => {
      if (!this.#beliefs.delete(belief)) return;
      if (belief.until >= 0) this.#note(belief, "released", Math.min(belief.until, world.clock.now()));
      world.tell(attempt.process.name, () => `${name} acts as a holder no longer`);
    };
  }

  /** Looks at all of them, as they are at this moment. */
  check(): void {
    if (this.#beliefs.size === 0) return;
    const now = this.#world.clock.now();
    const live: Belief[] = [];
    for (const belief of this.#beliefs) {
      const isRunning = belief.attempt.process.state === "running";
      const remaining = isRunning ? belief.lock.remaining() : 0;
      if (remaining > 0) this.#isNotDeaf(belief);
      if (belief.until < 0) continue;
      if (belief.grant.meddled || (isRunning && remaining === 0)) {
        this.#note(belief, "lost", Math.min(belief.until, now));
        belief.until = -1;
      } else if (isRunning) {
        belief.until = now + remaining;
        live.push(belief);
        this.#isTrue(belief, remaining);
      }
    }
    for (const [index, belief] of live.entries()) {
      for (const other of live.slice(0, index)) this.#compare(other, belief);
    }
  }

  /** Whether what all of them noted fits a fenced lock, without asking the backend. */
  checkHistory(): void {
    if (!this.#world.conditions.unstepped) return;
    // Those of a process that crashed.
    for (const belief of this.#beliefs) if (belief.until >= 0) this.#note(belief, "lost", belief.until);
    const conflict = findConflict(this.#history);
    if (conflict !== undefined) this.#world.violate("history", conflict.message);
  }

  /** Whether the backend holds all of it still, for as long as the handle says. */
  #isTrue({ attempt, lock, grant }: Belief, remaining: number): void {
    const { backend, clock, offset, conditions } = this.#world;
    if (!conditions.unstepped) return;
    // Both sides counted from different numbers, some of them fractions.
    const until = clock.now() + offset + remaining - 1e-6;
    if (lock.keys.every((key) => (backend.holding(key, grant.id)?.endsAt ?? -Infinity) >= until)) return;
    const what = `call ${attempt.call.name} believes to hold [${lock.keys.join(", ")}] for ${remaining} ms more`;
    this.#world.violate("false belief", `${what}; the backend does not hold it so long`);
  }

  /** Whether it has acted on being told that it is lost. */
  #isNotDeaf({ attempt, grant }: Belief): void {
    if (attempt.call.does === "execute" && attempt.process.toldLost.has(grant.id))
      this.#world.violate("deaf", `call ${attempt.call.name} was told that its lock is lost, and goes on`);
  }

  #compare(one: Belief, other: Belief): void {
    const [older, newer] = one.grant.token < other.grant.token ? [one, other] : [other, one];
    const together = older.lock.keys.filter((key) => newer.lock.keys.includes(key));
    // Whoever was granted in place shares the grant with itself.
    if (together.length === 0 || older.grant === newer.grant) return;
    if (older.grant.limit === newer.grant.limit && newer.grant.limit > 1) return;
    const calls = `calls ${older.attempt.call.name} and ${newer.attempt.call.name}`;
    const what = `${calls} both hold [${together.join(", ")}]`;
    if (this.#world.conditions.unstepped)
      return this.#world.violate("exclusion", `${what}, and both signals are live`);
    this.#broken.add(calls);
    if (newer.lock.fencingToken <= older.lock.fencingToken)
      this.#world.violate("fencing", `${what}, and no token tells them apart`);
  }

  #note({ attempt, lock, grant }: Belief, kind: "granted" | "released" | "lost", at: number): void {
    const { name: process } = attempt.process;
    const { keys, ownerId, fencingToken: token } = lock;
    const claim = { process, call: attempt.call.name, keys, limit: grant.limit };
    const granted = kind === "granted" ? { token, ownerId } : {};
    this.#history.push({ at: BigInt(Math.round(Math.min(at, 1e9) * 1e6)), kind, ...claim, ...granted });
  }
}
