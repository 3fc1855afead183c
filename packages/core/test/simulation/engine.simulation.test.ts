import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "vitest";
import { isLockError } from "../../src/contract/errors.ts";
import type { Lock } from "../../src/contract/lock.ts";
import { Engine } from "../../src/engine/engine.ts";
import { defaultPolicy, WITHDRAWAL_GRACE } from "../../src/engine/policy.ts";
import { ManualClock } from "./manual-clock.ts";
import { ModelBackend } from "./model-backend.ts";
import { SimulatedStore, type Weather } from "./simulated-store.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

interface Call {
  readonly engine: number;
  readonly at: number;
  readonly keys: readonly string[];
  readonly limit: number;
  readonly kind: "execute" | "acquire";
  readonly timeout: number;
  readonly lease: number;
  readonly lasts: number;
  readonly abortsAfter: number | null;
}

interface Schedule {
  readonly calls: readonly Call[];
  readonly seed: number;
  /** In percent. */
  readonly trouble: number;
  readonly latency: number;
  /** When somebody else frees everything. */
  readonly releasesAll: readonly number[];
}

const call: fc.Arbitrary<Call> = fc.record({
  engine: fc.nat(2),
  at: fc.nat(3_000),
  keys: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }),
  limit: fc.constantFrom(1, 1, 1, 2, Infinity),
  kind: fc.constantFrom("execute", "execute", "acquire"),
  timeout: fc.constantFrom(0, 200, 5_000, 60_000),
  lease: fc.constantFrom(0, 500, 2_000, 30_000),
  lasts: fc.constantFrom(0, 1, 50, 1_000, 12_000),
  abortsAfter: fc.option(fc.nat(6_000), { freq: 4 }),
});

const schedule: fc.Arbitrary<Schedule> = fc.record({
  calls: fc.array(call, { minLength: 1, maxLength: 14 }),
  seed: fc.integer(),
  trouble: fc.constantFrom(0, 5, 30),
  latency: fc.constantFrom(1, 40, 400),
  releasesAll: fc.array(fc.nat(8_000), { maxLength: 2 }),
});

const fates = ["lost", "reply-lost", "stalled", "late"] as const;

/** A small generator of numbers, so that a schedule repeats exactly (mulberry32, T. Ettinger). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Who believes to hold what, checked whenever somebody starts to. */
class Beliefs {
  readonly #locks = new Map<Lock, { limit: number; token: bigint }>();
  readonly #tokens = new Map<string, bigint>();
  readonly #freed = new Set<bigint>();

  hold(lock: Lock, limit: number): void {
    // A handle may come when its lease is over; it says so, and nobody believes in it.
    if (lock.remaining() === 0) return;
    const token = lock.fencingToken;
    if (this.#freed.has(token)) return;
    for (const key of lock.keys) {
      const others = [...this.#locks].filter(([other]) => other.keys.includes(key) && other.remaining() > 0);
      assert(others.length < limit, `${others.length + 1} hold "${key}", whose limit is ${limit}`);
      assert(
        others.every(([, other]) => other.limit === limit),
        `limits mix on "${key}"`,
      );
      assert(token > (this.#tokens.get(key) ?? 0n) || limit > 1, `the token of "${key}" did not grow`);
      this.#tokens.set(key, token);
    }
    this.#locks.set(lock, { limit, token });
  }

  /** What was freed from elsewhere, by its tokens: that two believe in it then is nobody's fault. */
  forget(tokens: readonly bigint[]): void {
    for (const [lock, { token }] of this.#locks) if (tokens.includes(token)) this.#locks.delete(lock);
    for (const token of tokens) this.#freed.add(token);
  }

  drop(lock: Lock): void {
    this.#locks.delete(lock);
  }
}

async function play({ calls, seed, trouble, latency, releasesAll }: Schedule): Promise<void> {
  const clock = new ManualClock();
  const random = randomFrom(seed);
  const backend = new ModelBackend(() => clock.now());
  const weather: Weather = {
    delay: () => random() * latency,
    request: () => (random() * 100 >= trouble ? "fine" : fates[Math.floor(random() * fates.length)]!),
    push: () => random() * 100 >= trouble,
  };
  const engines: Engine[] = [];
  for (let index = 0; index < 3; index += 1) {
    const store = new SimulatedStore(backend, clock, weather);
    const engine = new Engine(`engine-${index}`, store, { ...defaultPolicy }, clock, random);
    await engine.connect({ id: "simulated", logger: silent });
    engines.push(engine);
  }
  const beliefs = new Beliefs();
  const violations: unknown[] = [];
  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
  const believe = async (lock: Lock, { limit, lasts }: Call): Promise<void> => {
    try {
      beliefs.hold(lock, limit);
    } catch (violation) {
      violations.push(violation);
    }
    await pause(lasts);
    beliefs.drop(lock);
  };
  const onReleaseAll = new Set<(tokens: bigint[]) => void>();
  for (const at of releasesAll) {
    clock.after(at, () => {
      const tokens = backend.releaseAll();
      // The backend is right; whoever runs on is to find out.
      beliefs.forget(tokens);
      for (const tell of onReleaseAll) tell(tokens);
    });
  }
  const outcomes = calls.map(async (each) => {
    await pause(each.at);
    const controller = new AbortController();
    if (each.abortsAfter !== null)
      clock.after(each.abortsAfter, () => controller.abort(new Error("aborted")));
    const { keys, limit, timeout, lease: expire } = each;
    const args = { timeout, expire, limit, signal: controller.signal };
    const engine = engines[each.engine]!;
    if (each.kind === "execute") {
      let freed = false;
      await engine.execute(
        keys,
        async (lock) => {
          onReleaseAll.add((tokens) => (freed ||= tokens.includes(lock.fencingToken)));
          if (lock.remaining() === 0) violations.push("a job started on a lock that was over");
          await believe(lock, each);
        },
        args,
        undefined,
      );
      if (freed && trouble === 0)
        violations.push("a lock that was freed under its job was reported as a success");
      return;
    }
    const lock = await engine.acquire(keys, { ...args, ownerId: null, awaitQueue: true }, undefined);
    await believe(lock, each);
    // As a user would: what could not be released is released again.
    while (
      !(await lock.release().then(
        () => true,
        () => false,
      ))
    )
      await pause(100);
  });
  let ended = 0;
  const end = (): void => {
    ended += 1;
    // In fair weather, with answers quicker than the grace of a withdrawal, whoever has ended has left nothing already.
    if (trouble > 0 || latency * 2 > WITHDRAWAL_GRACE) return;
    const traces = backend.queue.length + backend.held.filter((each) => each.expiresAt > clock.now()).length;
    if (traces > calls.length - ended) violations.push(`${traces} traces of ${calls.length - ended} calls`);
  };
  for (const outcome of outcomes) {
    outcome
      .catch((error: unknown) => {
        const expected = isLockError(error) || (error instanceof Error && error.message === "aborted");
        if (!expected) violations.push(error);
      })
      .finally(end);
  }
  await clock.run(300_000);
  assert.deepEqual(violations, []);
  assert.equal(ended, calls.length, "every call ends");
  const closing = Promise.all(engines.map((engine) => engine.close(0)));
  await clock.run(400_000);
  await closing;
  const queued = backend.queue.filter((each) => each.alive > clock.now());
  const held = backend.held.filter((each) => each.expiresAt > clock.now());
  assert.deepEqual([queued, held], [[], []], "nothing is left at the backend");
  assert.equal(clock.pending, 0, "no timer is left");
}

describe("the engine, in any order of grants, refusals, lost replies, wake-ups, aborts and time-outs", () => {
  it("never lets two exclusive holders believe in the same key, ends every call and leaves nothing behind", async () => {
    await fc.assert(fc.asyncProperty(schedule, play), {
      numRuns: Number(process.env["LOCK_TEST_SCHEDULES"] ?? 3_000),
    });
  }, 120_000);
});
