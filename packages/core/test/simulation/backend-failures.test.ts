import { describe, expect, test } from "vitest";
import { LockError } from "../../src/contract/errors.ts";
import type { Release } from "../../src/contract/lock-store.ts";
import { deferred } from "../deferred.ts";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { acquireArgs, executeArgs, freed, granted, queued, ScriptedStore, stage } from "./scripted-store.ts";

describe("releaseAll and inspect", () => {
  test("of a backend that fails are LOCK_UNAVAILABLE, with what it said", async () => {
    const store = new ScriptedStore();
    store.releaseAll = () => Promise.reject(new Error("cut"));
    const failing = Object.assign(store, { inspect: () => Promise.reject(new Error("cut")) });
    const { engine } = await stage(failing);
    const unavailable = { code: "LOCK_UNAVAILABLE", keys: [], cause: { message: "cut" } };
    expect(await outcomeOf(engine.releaseAll("u", undefined))).toMatchObject({ error: unavailable });
    expect(await outcomeOf(engine.inspect(["k"]))).toMatchObject({ error: { ...unavailable, keys: ["k"] } });
  });

  test("of a backend that never answers end when it had its time", async () => {
    const store = new ScriptedStore();
    store.releaseAll = () => new Promise(() => {});
    const { engine, clock } = await stage(store, { callTimeout: 2_000 });
    const outcome = outcomeOf(engine.releaseAll(null, undefined));
    await clock.run(2_000);
    expect(await outcome).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE", message: expect.stringMatching(/no answer within/) as unknown },
    });
    expect(clock.pending).toBe(0);
  });

  test("inspect where the store has none is LOCK_UNSUPPORTED", async () => {
    const { engine } = await stage();
    expect(await outcomeOf(engine.inspect(["k"]))).toMatchObject({ error: { code: "LOCK_UNSUPPORTED" } });
  });
});

describe("a batch", () => {
  test("carries as many requests as the store says, and no more", async () => {
    const { engine, store } = await stage(new ScriptedStore(3).obliging());
    await Promise.all(Array.from({ length: 7 }, (_, n) => engine.acquire([`k${n}`], acquireArgs, undefined)));
    expect(store.takes.all.map(({ length }) => length)).toEqual([3, 3, 1]);
  });

  test("of renewals that fails is sent again one by one, so that none takes another down", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const locks = await Promise.all(
      ["a", "b"].map((key) => engine.acquire([key], { ...acquireArgs, expire: 5_000 }, undefined)),
    );
    store.renewals.always = null;
    const extended = locks.map((lock) => outcomeOf(lock.extend(10)));
    (await store.renewals.next()).fail(new Error("one of them is too long"));
    (await store.renewals.next()).answer({ status: "renewed", remaining: 10_000 });
    (await store.renewals.next()).fail(new Error("too long"));
    expect(await Promise.all(extended)).toMatchObject([
      { value: undefined },
      { error: { code: "LOCK_UNAVAILABLE" } },
    ]);
  });

  test("of releases that fails is sent again one by one too", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const locks = await Promise.all(["a", "b"].map((key) => engine.acquire([key], acquireArgs, undefined)));
    store.releases.always = null;
    const released = locks.map((lock) => outcomeOf(lock.release()));
    (await store.releases.next()).fail(new Error("one of them is too long"));
    (await store.releases.next()).answer(freed);
    (await store.releases.next()).answer(freed);
    expect(await Promise.all(released)).toEqual([{ value: true }, { value: true }]);
    expect(store.releases.all.map(({ length }) => length)).toEqual([2, 1, 1]);
  });

  test("of releases by owner that fails is sent once", async () => {
    const { engine, store } = await stage();
    const released = ["a", "b"].map((key) => outcomeOf(engine.release([key], "u", undefined)));
    (await store.releases.next()).fail(new Error("cut"));
    for (const outcome of await Promise.all(released)) {
      expect(outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    }
    expect(store.releases.all).toHaveLength(1);
  });
});

describe("a withdrawal", () => {
  const waiter = async (args = {}) => {
    const scene = await stage();
    const waiting = scene.engine.acquire(
      ["k"],
      { ...acquireArgs, awaitQueue: true, timeout: 1_000, expire: 4_000, ...args },
      undefined,
    );
    const outcome = outcomeOf(waiting);
    (await scene.store.takes.next()).answer(queued(1));
    await settled();
    return { ...scene, outcome };
  };
  const failing = (): { status: "failed"; error: Error } => ({ status: "failed", error: new Error("cut") });

  test("that fails holds the caller back no longer than its first try", async () => {
    const { store, clock, outcome } = await waiter();
    store.releases.always = failing;
    await clock.run(1_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
    expect(store.releases.all).toHaveLength(1);
  });

  test("that is not answered holds the caller back for 200 ms", async () => {
    const { clock, outcome } = await waiter();
    let over = false;
    void outcome.then(() => (over = true));
    await clock.run(1_199);
    expect(over).toBe(false);
    await clock.run(1_200);
    expect(over).toBe(true);
  });

  test("is repeated for twice as long as the grant could last that it may meet", async () => {
    const { store, clock } = await waiter();
    let last = 0;
    store.releases.always = () => {
      last = clock.now();
      return failing();
    };
    await clock.run(200_000);
    // Withdrawn after 1 s. Two leases of 4 s are less than two of the 5 s in which a request may be under way.
    expect(last).toBeGreaterThan(9_000);
    expect(last).toBeLessThan(11_000);
    expect(clock.pending).toBe(0);
  });

  test("of an owner's claim, which may have been granted for longer, is repeated until it is heard", async () => {
    const { store, clock } = await waiter({ ownerId: "u" });
    store.releases.always = failing;
    await clock.run(600_000);
    const tries = store.releases.all.length;
    expect(tries).toBeGreaterThan(100);
    store.releases.always = () => freed;
    await clock.run(700_000);
    expect(store.releases.all.length).toBe(tries + 1);
  });
});

describe("a job's release", () => {
  test("whose answer was lost, and which then finds nothing, is no loss", async () => {
    const { engine, store } = await stage();
    const outcome = outcomeOf(engine.execute(["k"], () => "done", executeArgs, undefined));
    const take = await store.takes.next();
    take.answer(granted(take.requests[0]!.id));
    (await store.releases.next()).fail(new Error("cut"));
    (await store.releases.next()).answer({ status: "released", freed: false });
    expect(await outcome).toEqual({ value: "done" });
  });

  test("that the backend refuses is not asked for again", async () => {
    const { engine, store, clock, warnings } = await stage();
    const outcome = outcomeOf(engine.execute(["k"], () => "done", executeArgs, undefined));
    const take = await store.takes.next();
    take.answer(granted(take.requests[0]!.id));
    const refuse = (): never => {
      throw new LockError("LOCK_UNAVAILABLE", "the table is missing");
    };
    store.releases.always = () => ({ status: "failed", error: catching(refuse) });
    expect(await outcome).toEqual({ value: "done" });
    expect(warnings).toHaveLength(1);
    await clock.run(100_000);
    expect(store.releases.all.length).toBeLessThanOrEqual(2);
  });
});

describe("close", () => {
  test("closes the store while a job runs on whose lock lives by a lease", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const job = deferred();
    const outcome = outcomeOf(engine.execute(["k"], () => job.promise, executeArgs, undefined));
    await settled();
    const closing = engine.close(0);
    await clock.run(5_000);
    await closing;
    expect(store.closed).toBe(1);
    job.resolve();
    expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED" } });
  });

  test("of a provider whose store fails to close resolves all the same, and says so", async () => {
    const { engine, store, warnings } = await stage();
    store.close = () => {
      throw new Error("no");
    };
    await engine.close(0);
    expect(warnings).toEqual([expect.stringContaining("failed: Error: no")]);
  });

  test("drops what could not be delivered", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    store.releases.always = () => ({ status: "failed", error: new Error("cut") });
    await engine.execute(["k"], () => "done", executeArgs, undefined);
    const closing = engine.close(0);
    await clock.run(clock.now() + 1_000);
    await closing;
    const tries = store.releases.all.length;
    await clock.run(clock.now() + 100_000);
    expect([store.releases.all.length, clock.pending]).toEqual([tries, 0]);
  });
});

test("the grant of a store that answers at once leaves no tombstone when it is released", async () => {
  const store = new ScriptedStore(1);
  const releases: Release[] = [];
  const atOnce = Object.assign(store, {
    take: ([claim]: readonly { id: string }[]) => [granted(claim!.id)],
    release: (asked: readonly Release[]) => {
      releases.push(...asked);
      return [freed];
    },
  });
  const { engine } = await stage(atOnce);
  await engine.execute(["k"], () => {}, executeArgs, undefined);
  expect(releases).toMatchObject([{ by: "grant", tombstone: false }]);
});

function catching(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
