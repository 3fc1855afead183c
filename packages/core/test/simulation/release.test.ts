import { describe, expect, test } from "vitest";
import type { Lock } from "../../src/contract/lock.ts";
import { outcomeOf } from "../outcome.ts";
import { acquireArgs, freed, gone, granted, ScriptedStore, stage, type Stage } from "./scripted-store.ts";

async function held(): Promise<Stage & { readonly lock: Lock }> {
  const store = new ScriptedStore();
  store.takes.always = ({ id }) => granted(id, { remaining: Infinity });
  const scene = await stage(store);
  scene.clock.jump(10_000);
  return { ...scene, lock: await scene.engine.acquire(["k"], acquireArgs, undefined) };
}

describe("a release that fails at once names its grant, so it", () => {
  test("is sent once more before anybody hears of it", async () => {
    const { lock, store, clock } = await held();
    const released = outcomeOf(lock.release());
    const first = await store.releases.next();
    await clock.run(12_400);
    first.fail(new Error("The connection was made anew meanwhile"));
    const second = await store.releases.next();
    expect(second.requests).toEqual(first.requests);
    second.answer(freed);
    expect(await released).toEqual({ value: true });
  });

  test("is not taken for a lost lock where the first may have freed it", async () => {
    const { lock, store } = await held();
    const released = outcomeOf(lock.release());
    (await store.releases.next()).fail(new Error("cut"));
    (await store.releases.next()).answer(gone);
    expect(await released).toEqual({ value: false });
  });

  test("is sent twice, not for ever, and may then be called again", async () => {
    const { lock, store } = await held();
    const released = outcomeOf(lock.release());
    (await store.releases.next()).fail(new Error("cut"));
    (await store.releases.next()).fail(new Error("cut again"));
    expect(await released).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE", cause: { message: "cut again" } },
    });
    expect(store.releases.all).toHaveLength(2);
    store.releases.always = () => freed;
    expect(await lock.release()).toBe(true);
  });
});

describe("a release is sent only once", () => {
  test("to a backend that was silent for half of the time it has", async () => {
    const { lock, store, clock } = await held();
    const released = outcomeOf(lock.release());
    const first = await store.releases.next();
    await clock.run(12_500);
    first.fail(new Error("cut"));
    expect(await released).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(store.releases.all).toHaveLength(1);
  });

  test("by owner, where a repeat could free a newer grant", async () => {
    const { engine, store } = await held();
    const released = outcomeOf(engine.release(["k"], "u", undefined));
    (await store.releases.next()).fail(new Error("cut"));
    expect(await released).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(store.releases.all).toHaveLength(1);
  });
});
