import { describe, expect, test } from "vitest";
import type { Lock } from "../../src/contract/lock.ts";
import { deferred } from "../deferred.ts";
import { settled } from "./manual-clock.ts";
import { acquireArgs, executeArgs, ScriptedStore, stage } from "./scripted-store.ts";

describe("renewal", () => {
  test("holds a job's lock for as long as the job runs, be it a hundred leases", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const job = deferred<string>();
    const held: Lock[] = [];
    const outcome = engine.execute(
      ["k"],
      (lock) => {
        held.push(lock);
        return job.promise;
      },
      { ...executeArgs, expire: 1_000 },
      undefined,
    );
    await clock.run(100_000);
    expect(held[0]!.signal.aborted).toBe(false);
    job.resolve("done");
    expect(await outcome).toBe("done");
    const renewals = store.renewals.all.length;
    expect(renewals).toBeGreaterThan(290);
    expect(renewals).toBeLessThan(410);
    await clock.run(200_000);
    expect(store.renewals.all).toHaveLength(renewals);
    expect(clock.pending).toBe(0);
  });

  test("of 10,000 locks travels in full batches", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const job = deferred();
    const all: Promise<void>[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      all.push(engine.execute([`k${index}`], () => job.promise, executeArgs, undefined));
      // They begin at different times.
      if (index % 500 === 499) await clock.run(clock.now() + 100);
    }
    await clock.run(32_000);
    expect(store.renewals.all.flat().length).toBeGreaterThanOrEqual(30_000);
    expect(store.renewals.all.length).toBeLessThanOrEqual(420);
    store.releases.always = () => ({ status: "released", freed: true });
    job.resolve();
    await Promise.all(all);
  });

  test("a renewal that takes its time does not keep the signal from aborting at the deadline", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    store.renewals.always = null;
    const job = deferred();
    const held: Lock[] = [];
    const outcome = engine
      .execute(
        ["k"],
        (lock) => {
          held.push(lock);
          return job.promise;
        },
        { ...executeArgs, expire: 3_000 },
        undefined,
      )
      .catch((error: unknown) => error);
    await settled();
    const { signal } = held[0]!;
    await clock.run(2_999);
    expect(signal.aborted).toBe(false);
    await clock.run(3_000);
    expect(signal.aborted).toBe(true);
    (await store.renewals.next()).answer({ status: "renewed", remaining: 3_000 });
    await settled();
    expect(held[0]!.remaining()).toBe(0);
    job.resolve();
    expect(await outcome).toMatchObject({ code: "LOCK_LOST" });
  });

  test("a handle of acquire is not renewed: its signal aborts when its own expire has run out", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const lock = await engine.acquire(["k"], { ...acquireArgs, expire: 40 * 86_400_000 }, undefined);
    const { signal } = lock;
    await clock.run(40 * 86_400_000 - 1);
    expect(signal.aborted).toBe(false);
    await clock.run(40 * 86_400_000);
    expect(signal.reason).toMatchObject({ code: "LOCK_LOST" });
    expect(store.renewals.all).toEqual([]);
  });
});

describe("extend", () => {
  test("makes it last from when it was sent, longer or shorter", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const lock = await engine.acquire(["k"], { ...acquireArgs, expire: 10_000 }, undefined);
    store.renewals.always = null;
    await clock.run(1_000);
    const extending = lock.extend("60s");
    const renewal = await store.renewals.next();
    await clock.run(1_500);
    renewal.answer({ status: "renewed", remaining: 60_000 });
    await extending;
    expect(lock.remaining()).toBe(59_500);
    store.renewals.always = ({ lease }) => ({ status: "renewed", remaining: lease });
    await lock.extend(2);
    expect(lock.remaining()).toBe(2_000);
    await lock.extend(0);
    expect(lock.remaining()).toBe(Infinity);
  });

  test("0 brings the lock of a job back to the lease of 30 s", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    await engine.execute(
      ["k"],
      async (lock) => {
        await lock.extend("5m");
        await lock.extend(0);
        expect(lock.remaining()).toBe(30_000);
      },
      executeArgs,
      undefined,
    );
    expect(store.renewals.all.flat().map(({ lease }) => lease)).toEqual([300_000, 30_000]);
  });

  test("waits for a renewal that is under way: of two at once, the later answer need not be the later truth", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    store.renewals.always = null;
    const job = deferred();
    const held: Lock[] = [];
    const outcome = engine.execute(
      ["k"],
      (lock) => {
        held.push(lock);
        return job.promise;
      },
      executeArgs,
      undefined,
    );
    await clock.run(10_000);
    const renewal = await store.renewals.next();
    const [first, second] = [held[0]!.extend("1s"), held[0]!.extend("2s")];
    await clock.run(10_010);
    expect(store.renewals.all).toHaveLength(1);
    renewal.answer({ status: "renewed", remaining: 30_000 });
    await settled();
    (await store.renewals.next()).answer({ status: "renewed", remaining: 1_000 });
    await first;
    expect(held[0]!.remaining()).toBe(1_000);
    (await store.renewals.next()).answer({ status: "renewed", remaining: 2_000 });
    await second;
    expect(held[0]!.remaining()).toBe(2_000);
    job.resolve();
    await outcome;
  });

  test("of a lock that is gone is LOCK_LOST, for all who wait to extend it", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const lock = await engine.acquire(["k"], { ...acquireArgs, expire: 10_000 }, undefined);
    store.renewals.always = null;
    const outcomes = [lock.extend(60), lock.extend(61), lock.extend(62)].map((extending) =>
      extending.catch((error: unknown) => error),
    );
    (await store.renewals.next()).answer({ status: "lost" });
    for (const outcome of outcomes) expect(await outcome).toMatchObject({ code: "LOCK_LOST", keys: ["k"] });
    expect(lock.signal.aborted).toBe(true);
    expect(store.renewals.all).toHaveLength(1);
  });

  test("that was repeated may arrive once more, and cut short what was asked for since", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const long = { ...acquireArgs, expire: 10_000 };
    const locks = await Promise.all(["a", "b"].map((key) => engine.acquire([key], long, undefined)));
    store.renewals.always = null;
    const extending = locks.map((lock) => lock.extend("500ms"));
    (await store.renewals.next()).fail(new Error("cut"));
    for (const _lock of locks) {
      (await store.renewals.next()).answer({ status: "renewed", remaining: 500 });
    }
    await Promise.all(extending);
    store.renewals.always = ({ lease }) => ({ status: "renewed", remaining: lease });
    await locks[0]!.extend(600);
    expect(locks[0]!.remaining()).toBe(500);
    await clock.run(400);
    await locks[0]!.extend(600);
    expect(locks[0]!.remaining()).toBe(500);
  });

  test("of a backend that can't be asked leaves the lock as it was", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const lock = await engine.acquire(["k"], { ...acquireArgs, expire: 10_000 }, undefined);
    store.renewals.always = () => ({ status: "failed", error: new Error("cut") });
    await expect(lock.extend(60)).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE", keys: ["k"] });
    expect(lock.remaining()).toBe(10_000);
  });
});
