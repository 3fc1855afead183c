import { isLockError } from "@lock/core";
import type { Attempt } from "./attempt.ts";
import type { Beliefs } from "./beliefs.ts";
import { Holder } from "./holder.ts";
import { judge, type Outcome } from "./judge.ts";
import type { Call, WaitingCall } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** Makes the calls of a schedule, as the code of users in the processes would. */
export class Caller {
  readonly #world: World;
  readonly #holder: Holder;

  constructor(world: World, beliefs: Beliefs) {
    this.#world = world;
    this.#holder = new Holder(world, beliefs);
  }

  async make(call: Call, process: SimulatedProcess): Promise<void> {
    const { provider } = process;
    switch (call.does) {
      case "execute":
      case "acquire":
        return await this.#attempt(call, process);
      case "release":
        return await this.#bystander(call, process, () =>
          provider.release(call.keys, call.ownerId, undefined),
        );
      case "releaseAll":
        return await this.#bystander(call, process, () => provider.releaseAll(call.ownerId, undefined));
      case "close":
        process.closed = true;
        await this.#bystander(call, process, () => provider.close(call.drain));
        await process.pass(0);
        this.#nobodyWaits(process);
    }
  }

  #nobodyWaits(process: SimulatedProcess): void {
    for (const attempt of this.#world.attempts) {
      if (attempt.process === process && attempt.grantedAt === null && !attempt.ended)
        this.#world.violate("waits on", `call ${attempt.call.name} waits, and its engine is closed`);
    }
  }

  /** A call that holds nothing. */
  async #bystander(call: Call, process: SimulatedProcess, make: () => Promise<unknown>): Promise<void> {
    const { fair, steady } = this.#world.conditions;
    try {
      const value = await make();
      this.#world.tell(process.name, () => `call ${call.name} resolves with ${String(value)}`);
    } catch (error) {
      this.#world.tell(process.name, () => `call ${call.name} rejects: ${String(error)}`);
      const expected =
        (isLockError(error, "LOCK_UNAVAILABLE") && !(fair && steady)) ||
        (isLockError(error, "LOCK_CLOSED") && process.closed);
      if (!expected) this.#world.violate("outcome", `call ${call.name} failed with ${String(error)}`);
    }
  }

  async #attempt(call: WaitingCall, process: SimulatedProcess): Promise<void> {
    const world = this.#world;
    const attempt: Attempt = {
      call,
      process,
      aborted: new Error("aborted"),
      calledAt: world.clock.now(),
      claimId: null,
      answered: false,
      grantedAt: null,
      token: null,
      abortedAt: null,
      heldToTheEnd: null,
      releasedAt: null,
      ended: false,
    };
    world.attempts.push(attempt);
    if (!process.closed) world.unclaimed.get(process)!.push(attempt);
    const controller = new AbortController();
    if (call.abortsAfter !== null) {
      process.after(call.abortsAfter, () => {
        world.tell(process.name, () => `aborts call ${call.name}`);
        attempt.abortedAt = world.clock.now();
        controller.abort(attempt.aborted);
      });
    }
    const outcome = await this.#holder.run(attempt, controller.signal).then(
      (value): Outcome => ({ value }),
      (error: unknown): Outcome => ({ error }),
    );
    attempt.ended = true;
    if (call.does === "acquire" && "value" in outcome) attempt.releasedAt = world.clock.now();
    world.tell(process.name, () => {
      const end =
        "error" in outcome ? `rejects: ${String(outcome.error)}` : `resolves with ${String(outcome.value)}`;
      return `call ${call.name} ${end}`;
    });
    judge(world, attempt, outcome, controller.signal);
  }
}
