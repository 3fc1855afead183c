import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Handover } from "../../src/contract/lock-store.ts";
import { acquireArgs, granted, ScriptedStore, stage } from "./scripted-store.ts";

const liveOf = (things: readonly WeakRef<object>[]): number => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return things.filter((each) => each.deref() !== undefined).length;
};

test("an engine keeps nothing of those who waited", async () => {
  const { engine, store, clock } = await stage(new ScriptedStore().obliging());
  const signals: WeakRef<object>[] = [];
  const wait = async (): Promise<void> => {
    const { signal } = new AbortController();
    signals.push(new WeakRef(signal));
    await engine.acquire(["k"], { ...acquireArgs, awaitQueue: true, signal }, undefined);
  };
  for (let turn = 0; turn < 50; turn += 1) await wait();
  await clock.run(60_000);
  expect(store.takes.all).toHaveLength(50);
  expect(liveOf(signals)).toBeLessThan(10);
});

test("an engine keeps nothing of what a store that answers at once says of the claims of others", async () => {
  const handovers: WeakRef<object>[] = [];
  const tell = (): void => {
    const handover: Handover = {
      claimId: `somebody-${handovers.length}`,
      ticket: 1,
      token: 4,
      remaining: 50,
      provisional: false,
    };
    handovers.push(new WeakRef(handover));
    store.events.granted(handover);
  };
  const take: ScriptedStore["take"] = ([claim]) => {
    tell();
    return [granted(claim!.id)] as never;
  };
  const store = Object.assign(new ScriptedStore(1), { take });
  const { engine } = await stage(store);
  for (let turn = 0; turn < 25; turn += 1) {
    await engine.acquire(["k"], acquireArgs, undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let turn = 0; turn < 25; turn += 1) tell();
  await new Promise((resolve) => setImmediate(resolve));
  expect(handovers).toHaveLength(50);
  expect(liveOf(handovers)).toBeLessThan(10);
});
