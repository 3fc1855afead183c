import { isLockError, type Lock, type Provider } from "@lock/core";
import type { Attempt } from "./attempt.ts";
import type { Beliefs } from "./beliefs.ts";
import { isMeddled } from "./judge.ts";
import type { AcquireCall, ExecuteCall, WaitingCall } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** How long a lock without end is left that nobody releases. */
const LEFT = 15_000;
/** How long a user waits before releasing again what could not be released. */
const RETRY = 100;

/** Does with its locks what the users of a schedule do: jobs, handles, extensions, releases. */
export class Holder {
  readonly #world: World;
  readonly #beliefs: Beliefs;

  constructor(world: World, beliefs: Beliefs) {
    this.#world = world;
    this.#beliefs = beliefs;
  }

  async run(attempt: Attempt, signal: AbortSignal): Promise<unknown> {
    const { call, process } = attempt;
    return call.does === "execute"
      ? await this.#execute(call, attempt, process.provider, signal)
      : await this.#acquire(call, attempt, process.provider, signal);
  }

  async #execute(
    call: ExecuteCall,
    attempt: Attempt,
    provider: Provider,
    signal: AbortSignal,
  ): Promise<unknown> {
    const world = this.#world;
    const failure = new Error("the job's own");
    const { keys, timeout, expire, limit } = call;
    const job = async (lock: Lock): Promise<string> => {
      attempt.grantedAt = world.clock.now();
      if (lock.remaining() === 0)
        world.violate("over at the start", `the job of call ${call.name} starts on a lock that is over`);
      await this.#use(call, attempt, lock);
      if (call.throws) throw failure;
      return "done";
    };
    try {
      const value = await provider.execute(keys, job, { timeout, expire, limit, signal }, undefined);
      if (value !== "done") world.violate("outcome", `call ${call.name} resolved with ${value}`);
      this.#wasProtected(attempt);
      return value;
    } catch (error) {
      if (error !== failure) throw error;
      this.#wasProtected(attempt);
      return "the job's own failure";
    }
  }

  /** The job's end was reported as it was, so that nobody was told of a loss. */
  #wasProtected(attempt: Attempt): void {
    const { fair, steady, unstepped } = this.#world.conditions;
    if (attempt.heldToTheEnd !== false || !unstepped) return;
    // That somebody freed it can only be heard of where the release gets through, and its answer in time.
    if (!(fair && steady) && isMeddled(this.#world, attempt)) return;
    this.#world.violate(
      "unprotected",
      `the job of call ${attempt.call.name} ran unprotected, and nobody was told`,
    );
  }

  async #acquire(
    call: AcquireCall,
    attempt: Attempt,
    provider: Provider,
    signal: AbortSignal,
  ): Promise<string> {
    const world = this.#world;
    const { keys, ownerId, awaitQueue, timeout, expire, limit } = call;
    const lock = await provider.acquire(
      keys,
      { ownerId, awaitQueue, timeout, expire, limit, signal },
      undefined,
    );
    attempt.grantedAt = world.clock.now();
    this.#isConfirmed(call, lock);
    await this.#use(call, attempt, lock);
    if (call.leaves) await attempt.process.pass(Math.min(lock.remaining(), LEFT) + 1);
    return await this.#giveBack(attempt, lock);
  }

  /** `acquire` hands its grant on, so it must be the caller's own for as long as was asked, not one that is about to lapse. */
  #isConfirmed(call: AcquireCall, lock: Lock): void {
    const { backend, conditions } = this.#world;
    const grant = backend.grants.get(Number(lock.fencingToken));
    if (grant === undefined || grant.meddled || !conditions.steady || call.expire === undefined) return;
    if (lock.keys.some((key) => backend.holding(key, grant.id)?.provisional))
      this.#world.violate("unconfirmed", `call ${call.name} resolved with a grant that it has not confirmed`);
  }

  /** Releases as a user would: what could not be released is released again. */
  async #giveBack(attempt: Attempt, lock: Lock): Promise<string> {
    for (;;) {
      try {
        return (await lock.release()) ? "released" : "gone";
      } catch (error) {
        if (!isLockError(error, "LOCK_UNAVAILABLE")) throw error;
        await attempt.process.pass(RETRY);
      }
    }
  }

  async #use(call: WaitingCall, attempt: Attempt, lock: Lock): Promise<void> {
    const world = this.#world;
    const { process } = attempt;
    attempt.token = lock.fencingToken;
    const drop = this.#beliefs.hold(attempt, lock);
    const ending = [this.#spend(call, process, lock)];
    if (call.does === "execute" && call.listens) {
      ending.push(
        new Promise((resolve) => {
          if (lock.signal.aborted) resolve();
          lock.signal.addEventListener("abort", () => resolve());
        }),
      );
    }
    await Promise.race(ending);
    const grant = world.backend.grants.get(Number(lock.fencingToken));
    attempt.heldToTheEnd = lock.keys.every((key) => {
      const endsAt = world.backend.holding(key, grant?.id ?? "")?.endsAt ?? -1;
      return endsAt > world.clock.now() + world.offset;
    });
    drop();
  }

  async #spend({ lasts, extend, name }: WaitingCall, process: SimulatedProcess, lock: Lock): Promise<void> {
    if (extend === null || extend.after > lasts) return await process.pass(lasts);
    await process.pass(extend.after);
    try {
      await lock.extend(`${extend.expire}ms`);
      this.#world.tell(process.name, () => `call ${name} is extended to ${extend.expire} ms`);
    } catch (error) {
      this.#world.tell(process.name, () => `call ${name} is not extended: ${String(error)}`);
      if (!isLockError(error)) this.#world.violate("outcome", `extend() failed with ${String(error)}`);
    }
    await process.pass(lasts - extend.after);
  }
}
