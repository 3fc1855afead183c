import { describe, expect, test } from "vitest";
import type {
  Claim,
  LockStore,
  ReleaseReply,
  RenewReply,
  StoreContext,
  StoreEvents,
  TakeReply,
} from "../../src/contract/lock-store.ts";
import { Engine } from "../../src/engine/engine.ts";
import { defaultPolicy } from "../../src/engine/policy.ts";
import { outcomeOf } from "../outcome.ts";
import { ManualClock } from "./manual-clock.ts";
import { acquireArgs, executeArgs, freed, granted, queued, ScriptedStore } from "./scripted-store.ts";

/** A store that answers at once, as one in the same process does. */
class StoreAtOnce implements LockStore {
  readonly batch = 1;
  readonly capabilities = new ScriptedStore().capabilities;
  events!: StoreEvents;
  take: (claims: readonly Claim[]) => TakeReply[] = ([claim]) => [granted(claim!.id)];
  release: () => ReleaseReply[] = () => [freed];
  renew: () => RenewReply[] = () => [{ status: "renewed", remaining: 30_000 }];
  releaseAll(): void {}

  connect({ events }: StoreContext): void {
    this.events = events;
  }
}

async function stage(): Promise<{
  engine: Engine;
  store: StoreAtOnce;
  clock: ManualClock;
  warnings: string[];
}> {
  const store = new StoreAtOnce();
  const clock = new ManualClock();
  const engine = new Engine("at-once", store, { ...defaultPolicy }, clock, () => 0.5);
  const silent = (): void => {};
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  await engine.connect({ id: "at-once", logger: { debug: silent, info: silent, warn, error: silent } });
  return { engine, store, clock, warnings };
}

describe("a store that answers at once", () => {
  test("starts the job at once, and leaves no timer", async () => {
    const { engine, clock } = await stage();
    let ran = false;
    const done = engine.execute(["k"], () => (ran = true), executeArgs, undefined);
    expect(ran).toBe(true);
    expect(await done).toBe(true);
    await clock.run(60_000);
    expect(clock.pending).toBe(0);
  });

  test("may hand over from within its take, before anybody waits for the claim", async () => {
    const { engine, store, clock } = await stage();
    store.take = ([claim]) => {
      const { id } = claim!;
      store.events.granted({
        claimId: "somebody-else",
        ticket: 1,
        token: 4,
        remaining: 50,
        provisional: false,
      });
      store.events.granted({ claimId: id, ticket: 2, token: 5, remaining: 30_000, provisional: false });
      return [queued(2)];
    };
    const lock = await engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    expect(lock.fencingToken).toBe(5n);
    expect(clock.now()).toBe(0);
  });

  test("may wake a claim from within its take", async () => {
    const { engine, store } = await stage();
    let asked = 0;
    store.take = ([claim]) => {
      asked += 1;
      if (asked > 1) return [granted(claim!.id)];
      store.events.wake([claim!.id]);
      return [queued(2)];
    };
    await engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    expect(asked).toBe(2);
  });

  test("that refuses for the moment is not asked in a circle", async () => {
    const { engine, store, clock } = await stage();
    let asked = 0;
    store.take = () => {
      asked += 1;
      return [{ status: "busy", ownerId: null, freeIn: -1 }];
    };
    const outcome = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true, timeout: 1_000 }, undefined);
    const refused = outcomeOf(outcome);
    await clock.run(1_000);
    expect(await refused).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
    expect(asked).toBeLessThanOrEqual(1_001);
  });

  test("whose release throws may be asked to release again", async () => {
    const { engine, store } = await stage();
    const lock = await engine.acquire(["k"], acquireArgs, undefined);
    store.release = () => {
      throw new Error("cut");
    };
    await expect(lock.release()).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    await expect(lock.release()).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
    store.release = () => [freed];
    expect(await lock.release()).toBe(true);
    expect(await lock.release()).toBe(true);
  });

  test("whose release fails under a job keeps the job's result", async () => {
    const { engine, store, clock, warnings } = await stage();
    store.release = () => [{ status: "failed", error: new Error("cut") }];
    expect(await engine.execute(["k"], () => "done", executeArgs, undefined)).toBe("done");
    expect(warnings).toHaveLength(1);
    store.release = () => [freed];
    await clock.run(60_000);
    expect(clock.pending).toBe(0);
  });

  test("that throws when it takes is asked again while there is time", async () => {
    const { engine, store, clock } = await stage();
    let asked = 0;
    store.take = ([claim]) => {
      asked += 1;
      if (asked === 1) throw new Error("cut");
      return [granted(claim!.id)];
    };
    const lock = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    await clock.run(1_000);
    expect((await lock).keys).toEqual(["k"]);
    expect(asked).toBe(2);
  });
});
