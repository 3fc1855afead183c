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
import { deferred } from "../deferred.ts";
import { outcomeOf } from "../outcome.ts";
import { ManualClock } from "./manual-clock.ts";
import { acquireArgs, executeArgs, freed, gone, granted, queued, ScriptedStore } from "./scripted-store.ts";

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
    let asked = 0;
    store.take = ([claim]) => {
      asked += 1;
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
    expect(asked).toBe(1);
  });

  test("may hand over to somebody else from within its take: who asked goes on waiting", async () => {
    const { engine, store, clock } = await stage();
    const asked: string[] = [];
    const handover = { ticket: 2, token: 5, remaining: 30_000, provisional: false };
    store.take = ([claim]) => {
      asked.push(claim!.id);
      store.events.granted({ ...handover, claimId: "somebody-else" });
      return [queued(2)];
    };
    const acquiring = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    await clock.run(1_000);
    expect(asked).toHaveLength(1);
    store.events.granted({ ...handover, claimId: asked[0]! });
    expect((await acquiring).fencingToken).toBe(5n);
  });

  test("may hand over and wake from within its take: the hand-over counts", async () => {
    const { engine, store } = await stage();
    let asked = 0;
    store.take = ([claim]) => {
      asked += 1;
      const { id } = claim!;
      store.events.granted({ claimId: id, ticket: 2, token: 5, remaining: 30_000, provisional: false });
      store.events.wake([id]);
      return [queued(2)];
    };
    await engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    expect(asked).toBe(1);
  });

  test("may hand over before it says that a job's lock is lost, on which that job asks for another", async () => {
    const { engine, store, clock } = await stage();
    const job = deferred();
    const others: Promise<unknown>[] = [];
    const listening = engine.execute(
      ["other"],
      ({ signal }) => {
        const again = (): unknown => others.push(engine.acquire(["another"], acquireArgs, undefined));
        signal.addEventListener("abort", again);
        return job.promise;
      },
      executeArgs,
      undefined,
    );
    const lost = outcomeOf(listening);
    store.take = ([claim]) => {
      const { id, keys } = claim!;
      if (keys[0] === "another") return [granted(id)];
      store.events.granted({ claimId: id, ticket: 2, token: 5, remaining: 30_000, provisional: false });
      store.events.lostAll();
      return [queued(2)];
    };
    const acquiring = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    await clock.run(100);
    expect((await acquiring).fencingToken).toBe(5n);
    await Promise.all(others);
    expect(others).toHaveLength(1);
    job.resolve();
    expect(await lost).toMatchObject({ error: { code: "LOCK_LOST" } });
  });

  test.each(["wakes", "hands over to"])(
    "that %s who does not wait, and refuses it, is not asked again",
    async (what) => {
      const { engine, store, clock } = await stage();
      let asked = 0;
      store.take = ([claim]) => {
        const { id } = claim!;
        asked += 1;
        if (what === "wakes") store.events.wake([id]);
        else store.events.granted({ claimId: id, ticket: 2, token: 5, remaining: 50, provisional: false });
        return [{ status: "busy", ownerId: null, freeIn: 5 }];
      };
      expect(await outcomeOf(engine.acquire(["k"], acquireArgs, undefined))).toMatchObject({
        error: { code: "LOCK_NOT_ACQUIRED" },
      });
      expect([asked, clock.pending]).toEqual([1, 0]);
    },
  );

  test("hands over when all are woken: who has its lock by then does not ask for it again", async () => {
    const { engine, store } = await stage();
    const asked: string[] = [];
    store.take = ([claim]) => {
      asked.push(claim!.id);
      return [queued(2)];
    };
    const waiting = ["a", "b"].map((key) =>
      engine.acquire([key], { ...acquireArgs, awaitQueue: true }, undefined),
    );
    const [first, second] = [...asked];
    store.take = ([claim]) => {
      asked.push(claim!.id);
      const handover = { ticket: 2, token: 5, remaining: 30_000, provisional: false };
      store.events.granted({ ...handover, claimId: second! });
      return [granted(claim!.id)];
    };
    store.events.wakeAll();
    await Promise.all(waiting);
    expect(asked).toEqual([first, second, first]);
  });

  test("that answers with nothing at all has failed", async () => {
    const { engine, store, clock } = await stage();
    const { take } = store;
    const nothing = (): never => undefined as never;
    store.take = nothing;
    const unavailable = { error: { code: "LOCK_UNAVAILABLE" } };
    const taking = outcomeOf(engine.acquire(["k"], acquireArgs, undefined));
    await clock.run(1_000);
    expect(await taking).toMatchObject(unavailable);
    store.take = take;
    const lock = await engine.acquire(["k"], acquireArgs, undefined);
    const noAnswer = {
      error: {
        code: "LOCK_UNAVAILABLE",
        message: expect.stringMatching(/which is no reply to it$/) as unknown,
      },
    };
    for (const release of [nothing, () => []]) {
      store.release = release;
      expect(await outcomeOf(lock.release())).toMatchObject(noAnswer);
    }
  });

  test("that finds a job's lock gone when it is released has the job fail", async () => {
    const { engine, store } = await stage();
    store.release = () => [gone];
    const outcome = outcomeOf(engine.execute(["k"], () => "done", executeArgs, undefined));
    expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
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
