import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { LockError, LockLostError } from "../../src/contract/errors.ts";
import type { Lock } from "../../src/contract/lock.ts";
import { deferred, type Deferred } from "../deferred.ts";
import { outcomeOf, type Outcome } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { executeArgs, freed, gone, granted, ScriptedStore, stage, type Stage } from "./scripted-store.ts";

interface Running extends Stage {
  readonly lock: Lock;
  readonly job: Deferred<string>;
  /** What execute came to, once it has settled. */
  readonly outcome: Promise<Outcome>;
}

/** A job under a lease of 3 s, granted at 100 by a request that was sent at 0. */
async function running(store = new ScriptedStore()): Promise<Running> {
  const scene = await stage(store);
  const started = deferred<Lock>();
  const job = deferred<string>();
  const work = (lock: Lock): Promise<string> => {
    started.resolve(lock);
    return job.promise;
  };
  const outcome = outcomeOf(scene.engine.execute(["k"], work, { ...executeArgs, expire: 3_000 }, undefined));
  const take = await store.takes.next();
  await scene.clock.run(100);
  take.answer(granted("grant", { remaining: 3_000 }));
  return { ...scene, lock: await started.promise, job, outcome };
}

describe("a job's lock is lost when nothing was confirmed within the lease", () => {
  test("its signal aborts exactly at the deadline, counted from the send", async () => {
    const { lock, clock, job, outcome } = await running();
    const { signal } = lock;
    await clock.run(2_999);
    expect(signal.aborted).toBe(false);
    expect(lock.remaining()).toBe(1);
    lock.assertHeld();
    await clock.run(3_000);
    expect(signal.reason).toBeInstanceOf(LockLostError);
    expect((signal.reason as Error).message).toContain("nothing confirmed it within its lease");
    expect(lock.remaining()).toBe(0);
    expect(() => lock.assertHeld()).toThrow(signal.reason as Error);
    job.resolve("done");
    expect(await outcome).toEqual({ error: signal.reason as unknown });
  });

  test("execute rejects only after the job has settled, with the job's error as the cause", async () => {
    const { clock, job, outcome } = await running();
    await clock.run(10_000);
    let over = false;
    void outcome.then(() => (over = true));
    await settled();
    expect(over).toBe(false);
    const failure = new Error("the job's own");
    job.reject(failure);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST", keys: ["k"], cause: failure } });
  });

  test("a job that only passes the loss on makes no circle of causes", async () => {
    const { lock, clock, job, outcome } = await running();
    const { signal } = lock;
    await clock.run(3_000);
    job.reject(new Error("aborted", { cause: signal.reason }));
    expect(await outcome).toEqual({ error: signal.reason as unknown });
    expect((signal.reason as Error).cause).toBe(undefined);
  });

  test("also when the process stood still meanwhile and no timer has rung", async () => {
    const { lock, clock, job, outcome } = await running();
    clock.jump(5_000);
    expect(lock.signal.aborted).toBe(true);
    job.resolve("done");
    expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
  });

  test("what went wrong with the renewals is its cause", async () => {
    const { lock, store, clock } = await running();
    const { signal } = lock;
    const cut = new Error("cut");
    store.renewals.always = () => ({ status: "failed", error: cut });
    await clock.run(3_000);
    expect(signal.reason).toMatchObject({ code: "LOCK_LOST", cause: cut });
  });

  test("none of the renewals that fail follows at once on another", async () => {
    const { store, clock } = await running();
    const asked: number[] = [];
    store.renewals.always = () => {
      asked.push(clock.now());
      return { status: "failed", error: new Error("cut") };
    };
    await clock.run(3_000);
    expect(asked.length).toBeGreaterThan(5);
    const pauses = asked.slice(1).map((at, index) => at - asked[index]!);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(25);
  });

  test("is never taken again, and given back", async () => {
    const { store, clock, job, outcome } = await running();
    store.releases.always = () => gone;
    await clock.run(3_000);
    job.resolve("done");
    await outcome;
    await clock.run(60_000);
    expect(store.takes.all).toHaveLength(1);
    expect(store.releases.all.flat()).toMatchObject([{ by: "grant", grantId: "grant", tombstone: true }]);
  });
});

describe("a job's lock is lost when the backend says so", () => {
  test("in the answer to a renewal: the signal aborts at once", async () => {
    const { lock, store, clock, job, outcome } = await running();
    const { signal } = lock;
    await clock.run(1_000);
    const renewal = await store.renewals.next();
    expect(signal.aborted).toBe(false);
    renewal.answer({ status: "lost" });
    await settled();
    expect(signal.reason).toBeInstanceOf(LockLostError);
    job.resolve("done");
    expect(await outcome).toEqual({ error: signal.reason as unknown });
  });

  test("by an event, one lock or all of them", async () => {
    for (const tell of ["lost", "lostAll"] as const) {
      const { lock, store, job, outcome } = await running();
      const cause = new Error("session ended");
      const { signal } = lock;
      if (tell === "lost") store.events.lost(["another", "grant"], cause);
      else store.events.lostAll(cause);
      expect(signal.reason).toMatchObject({ code: "LOCK_LOST", cause });
      job.resolve("done");
      expect(await outcome).toEqual({ error: signal.reason as unknown });
    }
  });

  test("not by an event about another", async () => {
    const { lock, store, job, outcome } = await running();
    store.releases.always = () => freed;
    store.events.lost(["another"]);
    expect(lock.signal.aborted).toBe(false);
    job.resolve("done");
    expect(await outcome).toEqual({ value: "done" });
  });

  test("by a release that finds the grant gone, of which the channel hears too", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    subscribe("@lock/core:lost", listen);
    onTestFinished(() => void unsubscribe("@lock/core:lost", listen));
    const { store, job, outcome } = await running();
    store.releases.always = () => gone;
    job.resolve("done");
    const error: unknown = expect.objectContaining({ code: "LOCK_LOST" });
    expect(await outcome).toEqual({ error });
    expect(told).toEqual([{ provider: "lp_scripted", keys: ["k"], ownerId: null, error }]);
  });

  test("whatever the job's own release of it finds afterwards", async () => {
    const { lock, store, job, outcome } = await running();
    store.releases.always = () => freed;
    store.events.lostAll();
    expect(await lock.release()).toBe(true);
    job.resolve("done");
    expect(await outcome).toMatchObject({
      error: { code: "LOCK_LOST", message: expect.stringMatching(/the backend says so/) as unknown },
    });
  });

  test("by the job's own early release that finds it gone", async () => {
    const { lock, store, job, outcome } = await running();
    store.releases.always = () => gone;
    expect(await lock.release()).toBe(false);
    job.resolve("done");
    expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
  });
});

describe("a release that can't be delivered while the lock is certain", () => {
  test("is logged and left to the lease: the job's result is kept", async () => {
    const { store, clock, warnings, job, outcome } = await running();
    store.releases.always = () => ({ status: "failed", error: new Error("cut") });
    job.resolve("done");
    expect(await outcome).toEqual({ value: "done" });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("left to its lease");
    const tries = store.releases.all.length;
    await clock.run(2_000);
    expect(store.releases.all.length).toBeGreaterThan(tries);
    await clock.run(100_000);
    expect(clock.pending).toBe(0);
  });

  test("is tried again for as long as the lease was asked for", async () => {
    const scene = await stage(new ScriptedStore().obliging());
    scene.store.releases.always = () => ({ status: "failed", error: new Error("cut") });
    const hour = 3_600_000;
    await scene.engine.execute(["k"], () => {}, { ...executeArgs, expire: hour }, undefined);
    await scene.clock.run(hour / 2);
    scene.store.releases.always = () => freed;
    const tries = scene.store.releases.all.length;
    await scene.clock.run(hour);
    expect(scene.store.releases.all).toHaveLength(tries + 1);
  });

  test.each(["late", "never"])(
    "or for as long as it was asked to be extended, answered %s",
    async (answer) => {
      const { lock, store, clock, job, outcome } = await running();
      const hour = 3_600_000;
      const extending = outcomeOf(lock.extend("1h"));
      const renewal = await store.renewals.next();
      store.renewals.always = () => ({ status: "failed", error: new Error("cut") });
      await clock.run(4_000);
      if (answer === "late") renewal.answer({ status: "renewed", remaining: hour });
      await clock.run(10_000);
      expect(await extending).toMatchObject({ error: {} });
      store.releases.always = () => ({ status: "failed", error: new Error("cut") });
      job.resolve("done");
      expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
      await clock.run(hour / 2);
      store.releases.always = () => freed;
      const tries = store.releases.all.length;
      await clock.run(hour);
      expect(store.releases.all).toHaveLength(tries + 1);
    },
  );

  test("that finds it gone the second time says nothing: the first may have freed it", async () => {
    const { lock, store, job, outcome } = await running();
    store.releases.always = () => ({ status: "failed", error: new Error("cut on the way back") });
    await expect(lock.release()).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    store.releases.always = () => gone;
    job.resolve("done");
    expect(await outcome).toEqual({ value: "done" });
  });

  test("with the backend's own refusal is not repeated for ever", async () => {
    const { store, clock, job, outcome } = await running();
    store.releases.always = () => ({
      status: "failed",
      error: new LockError("LOCK_UNAVAILABLE", "no table"),
    });
    job.resolve("done");
    expect(await outcome).toEqual({ value: "done" });
    await clock.run(100_000);
    expect(store.releases.all.length).toBeLessThanOrEqual(2);
  });
});
