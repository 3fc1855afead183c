import { describe, expect, test } from "vitest";
import { deferred } from "../deferred.ts";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import {
  acquireArgs,
  executeArgs,
  freed,
  granted,
  gone,
  queued,
  ScriptedStore,
  stage,
} from "./scripted-store.ts";

const waiting = { ...acquireArgs, awaitQueue: true, timeout: 2_000 };
const never = (): never => {
  throw new Error("the job ran");
};

describe("when time is up", () => {
  test("a call that stands in the queue gets LOCK_TIMEOUT, having withdrawn", async () => {
    const { engine, store, clock } = await stage();
    const outcome = outcomeOf(
      engine.execute(["a", "b"], never, { ...executeArgs, timeout: 2_000 }, undefined),
    );
    (await store.takes.next()).answer(queued(1));
    await clock.run(2_000);
    (await store.releases.next()).answer(freed);
    expect(await outcome).toMatchObject({
      error: {
        code: "LOCK_TIMEOUT",
        keys: ["a", "b"],
        message: 'Timed-out acquiring lock for key "a", "b" after 2000 ms',
      },
    });
    expect(store.releases.all.flat()).toMatchObject([{ by: "claim", tombstone: false }]);
    expect(clock.pending).toBe(0);
  });

  test("the backend that could not be asked is LOCK_UNAVAILABLE, with what went wrong as the cause", async () => {
    const { engine, store, clock } = await stage();
    const cut = new Error("cut");
    store.takes.always = () => ({ status: "failed", error: cut });
    store.releases.always = () => gone;
    const outcome = outcomeOf(engine.acquire(["k"], waiting, undefined));
    await clock.run(2_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE", keys: ["k"], cause: cut } });
    expect(store.releases.all.flat()).toMatchObject([{ by: "claim", tombstone: true }]);
    expect(clock.pending).toBe(0);
  });

  test("a failure on the way does not matter once the backend has answered", async () => {
    const { engine, store, clock } = await stage();
    const outcome = outcomeOf(engine.acquire(["k"], waiting, undefined));
    (await store.takes.next()).fail(new Error("cut"));
    await clock.run(100);
    (await store.takes.next()).answer(queued(1));
    store.releases.always = () => freed;
    await clock.run(2_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_TIMEOUT" } });
  });

  test("a claim that the backend says was withdrawn is LOCK_UNAVAILABLE at once", async () => {
    const { engine, store } = await stage();
    store.releases.always = () => freed;
    const outcome = outcomeOf(engine.acquire(["k"], waiting, undefined));
    (await store.takes.next()).answer({ status: "withdrawn" });
    expect(await outcome).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE", message: expect.stringMatching(/was withdrawn/) as unknown },
    });
    expect(store.takes.all).toHaveLength(1);
  });

  test("one try that is refused is LOCK_TIMEOUT for who waits and LOCK_NOT_ACQUIRED for who does not", async () => {
    const { engine, store } = await stage();
    store.takes.always = () => ({ status: "busy", ownerId: "user_1", freeIn: Infinity });
    const oneTry = { ...executeArgs, timeout: 0 };
    expect(await outcomeOf(engine.execute(["k"], never, oneTry, undefined))).toMatchObject({
      error: { code: "LOCK_TIMEOUT" },
    });
    expect(await outcomeOf(engine.acquire(["prod_123"], acquireArgs, undefined))).toMatchObject({
      error: {
        code: "LOCK_NOT_ACQUIRED",
        keys: ["prod_123"],
        message:
          'Failed to acquire lock for key "prod_123": held or waited for by "user_1". Pass awaitQueue: true to wait for it',
      },
    });
    expect(store.takes.all.flat().map(({ wait }) => wait)).toEqual([false, false]);
    expect(store.releases.all).toEqual([]);
  });

  test("a call that does not wait is bounded by how long the backend may take to answer", async () => {
    const { engine, clock } = await stage(new ScriptedStore(), { callTimeout: 700 });
    const outcome = outcomeOf(engine.acquire(["k"], acquireArgs, undefined));
    await clock.run(1_000);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
  });
});

describe("an abort", () => {
  test("ends the waiting with signal.reason, and leaves no timer and no listener", async () => {
    const { engine, store, clock } = await stage();
    const controller = new AbortController();
    const outcome = outcomeOf(
      engine.acquire(["k"], { ...waiting, timeout: Infinity, signal: controller.signal }, undefined),
    );
    (await store.takes.next()).answer(queued(1));
    await settled();
    const reason = new Error("enough");
    controller.abort(reason);
    (await store.releases.next()).answer(freed);
    expect(await outcome).toEqual({ error: reason });
    expect(clock.pending).toBe(0);
  });

  test("that came before the call sends nothing", async () => {
    const { engine, store } = await stage();
    const signal = AbortSignal.abort("why");
    expect(await outcomeOf(engine.execute(["k"], never, { ...executeArgs, signal }, undefined))).toEqual({
      error: "why",
    });
    expect(await outcomeOf(engine.acquire(["k"], { ...acquireArgs, signal }, undefined))).toEqual({
      error: "why",
    });
    expect(store.takes.all).toEqual([]);
  });

  test("between the grant and the start of the job runs no job and gives the lock back", async () => {
    const { engine, store } = await stage();
    store.releases.always = () => freed;
    const controller = new AbortController();
    const { signal } = controller;
    const outcome = outcomeOf(engine.execute(["k"], never, { ...executeArgs, signal }, undefined));
    (await store.takes.next()).answer(granted("grant"));
    await Promise.resolve();
    controller.abort("why");
    expect(await outcome).toEqual({ error: "why" });
    expect(store.releases.all.flat()).toHaveLength(1);
  });

  test("once the job runs is the job's business", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const controller = new AbortController();
    const { signal } = controller;
    const work = (): string => {
      controller.abort();
      return "done";
    };
    expect(await engine.execute(["k"], work, { ...executeArgs, signal }, undefined)).toBe("done");
    expect(store.releases.all).toHaveLength(1);
  });

  test("while a request is under way, which then fails, asks for nothing more", async () => {
    const { engine, store, clock } = await stage();
    store.releases.always = () => freed;
    const controller = new AbortController();
    const outcome = outcomeOf(engine.acquire(["k"], { ...waiting, signal: controller.signal }, undefined));
    const take = await store.takes.next();
    controller.abort("why");
    take.fail(new Error("cut"));
    expect(await outcome).toEqual({ error: "why" });
    await clock.run(10_000);
    expect([store.takes.all.length, clock.pending]).toEqual([1, 0]);
  });

  test("does not wait for an answer to the withdrawal longer than a moment", async () => {
    const { engine, store, clock } = await stage();
    const controller = new AbortController();
    const outcome = outcomeOf(engine.acquire(["k"], { ...waiting, signal: controller.signal }, undefined));
    (await store.takes.next()).answer(queued(1));
    await settled();
    controller.abort("why");
    await clock.run(200);
    expect(await outcome).toEqual({ error: "why" });
  });
});

describe("a hand-over", () => {
  test("starts the job without asking, and is confirmed off its path", async () => {
    const { engine, store, clock } = await stage();
    const job = deferred<bigint>();
    const outcome = engine.execute(["k"], () => job.promise, executeArgs, undefined);
    const take = await store.takes.next();
    take.answer(queued(1));
    await clock.run(1_000);
    const { id } = take.requests[0]!;
    store.events.granted({ claimId: id, ticket: 1, token: 9, remaining: 8_000, provisional: true });
    await clock.run(2_700);
    expect((await store.renewals.next()).requests).toMatchObject([{ grantId: id, lease: 30_000 }]);
    expect(store.takes.all).toHaveLength(1);
    store.releases.always = () => freed;
    job.resolve(1n);
    expect(await outcome).toBe(1n);
  });

  test("a lost wake-up costs 3 s", async () => {
    const { engine, store, clock } = await stage();
    const acquiring = engine.acquire(["k"], { ...waiting, timeout: 5_000 }, undefined);
    const take = await store.takes.next();
    take.answer(queued(1));
    await clock.run(3_000);
    (await store.takes.next()).answer(granted(take.requests[0]!.id));
    expect((await acquiring).fencingToken).toBe(1n);
  });

  test("after a cut of the channel every waiter asks", async () => {
    const { engine, store } = await stage();
    const all = ["a", "b", "c"].map((key) => engine.acquire([key], waiting, undefined));
    (await store.takes.next()).answer(queued(1), queued(2), queued(3));
    await settled();
    store.events.wakeAll();
    const take = await store.takes.next();
    expect(take.requests.map(({ keys }) => keys)).toEqual([["a"], ["b"], ["c"]]);
    take.answer(...take.requests.map(({ id }) => granted(id)));
    await Promise.all(all);
  });
});
