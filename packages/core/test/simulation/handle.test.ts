import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { LockLostError } from "../../src/contract/errors.ts";
import type { Lock } from "../../src/contract/lock.ts";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { acquireArgs, queued, ScriptedStore, stage, type Stage } from "./scripted-store.ts";

async function held(expire = 1_000, store = new ScriptedStore().obliging()): Promise<Stage & { lock: Lock }> {
  const scene = await stage(store);
  return { ...scene, lock: await scene.engine.acquire(["k"], { ...acquireArgs, expire }, undefined) };
}

describe("a handle's signal", () => {
  test("is one and the same however often it is asked for, so that who listens hears", async () => {
    const { lock, clock } = await held();
    const { signal } = lock;
    expect(lock.signal).toBe(signal);
    await clock.run(1_000);
    expect(signal.aborted).toBe(true);
  });

  test("is aborted when it is looked at after a stop, before any timer could ring", async () => {
    const { lock, clock } = await held();
    expect(lock.signal.aborted).toBe(false);
    clock.jump(1_000);
    expect(lock.signal.aborted).toBe(true);
  });

  test("says so when it is asked for the first time after the end", async () => {
    const { lock, clock } = await held();
    clock.jump(1_000);
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
  });

  test("keeps its first reason, and the loss is told once", async () => {
    const told: unknown[] = [];
    const listen = (message: unknown): void => void told.push(message);
    subscribe("@lock/core:lost", listen);
    onTestFinished(() => void unsubscribe("@lock/core:lost", listen));
    const { lock, clock } = await held();
    const { signal } = lock;
    await clock.run(1_000);
    const reason: unknown = signal.reason;
    expect(() => lock.assertHeld()).toThrow((reason as Error).message);
    await clock.run(5_000);
    expect(told).toEqual([{ provider: "lp_scripted", keys: ["k"], ownerId: null, error: reason }]);
    expect((reason as Error).message).toContain("its time has run out");
  });

  test("of a lock that nobody looks at sets no timer", async () => {
    const { clock } = await held();
    expect(clock.pending).toBe(0);
  });
});

test("a handle knows that its time has run out without a timer, however it is asked", async () => {
  const { lock, clock } = await held();
  lock.assertHeld();
  clock.jump(1_000);
  expect(() => lock.assertHeld()).toThrow(/its time has run out/);
});

test("what is held keeps no process up, what is waited for does", async () => {
  const { engine, store, clock, lock } = await held();
  expect(lock.signal.aborted).toBe(false);
  expect([clock.pending, clock.keepingUp]).toEqual([1, 0]);
  store.takes.always = () => queued(1);
  const waiting = outcomeOf(engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined));
  await settled();
  expect([clock.pending, clock.keepingUp]).toEqual([2, 1]);
  await clock.run(5_000);
  await waiting;
});

test("a claim asks to leave its owner's expiry alone where the call names none", async () => {
  const { engine, store } = await stage(new ScriptedStore().obliging());
  for (const expire of [undefined, 0, 1_000]) {
    await engine.acquire(["k"], { ...acquireArgs, ownerId: "u", expire }, undefined);
  }
  const asked = store.takes.all.flat().map(({ keepLease, lease }) => [keepLease, lease]);
  expect(asked).toEqual([
    [true, Infinity],
    [false, Infinity],
    [false, 1_000],
  ]);
});

describe("extend", () => {
  test("that waited for another is refused where the lock was released meanwhile", async () => {
    const store = new ScriptedStore().obliging();
    const { lock } = await held(10_000, store);
    store.renewals.always = null;
    const [first, second] = [outcomeOf(lock.extend(5)), outcomeOf(lock.extend(5))];
    const renewal = await store.renewals.next();
    await lock.release();
    renewal.answer({ status: "renewed", remaining: 5_000 });
    for (const outcome of [first, second]) {
      expect(await outcome).toMatchObject({
        error: { code: "LOCK_LOST", message: expect.stringMatching(/it was released/) as unknown },
      });
    }
    expect(store.renewals.all).toHaveLength(1);
  });

  test("that finds the lock gone says why, which is not that it was released", async () => {
    const store = new ScriptedStore().obliging();
    const { lock } = await held(10_000, store);
    store.renewals.always = () => ({ status: "lost" });
    const outcome = await outcomeOf(lock.extend(5));
    expect(outcome).toMatchObject({
      error: { code: "LOCK_LOST", message: expect.stringMatching(/does not hold it any more/) as unknown },
    });
  });
});

describe("fencingToken", () => {
  test("is refused by a provider whose manifest offers none, whatever its store says", async () => {
    const store = new ScriptedStore().obliging();
    store.capabilities = { ...store.capabilities, fencing: false };
    const { lock } = await held(1_000, store);
    expect(() => lock.fencingToken).toThrow(/lp_scripted.*no fencing tokens/);
    expect(() => lock.fencingToken).toThrow(expect.objectContaining({ keys: ["k"] }));
  });

  test("is refused where the store gave none", async () => {
    const store = new ScriptedStore().obliging();
    store.takes.always = ({ id }) => ({ status: "granted", grantId: id, token: null, remaining: 1_000 });
    const { lock } = await held(1_000, store);
    expect(() => lock.fencingToken).toThrow(/no fencing tokens/);
  });
});

test("a handle of acquire is lost by no event of the store, which speaks of jobs", async () => {
  const { lock, store } = await held();
  store.events.lostAll();
  await settled();
  expect(lock.remaining()).toBe(1_000);
});
