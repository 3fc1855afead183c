import { describe, expect, test } from "vitest";
import { LockError } from "../../src/contract/errors.ts";
import type { Lock } from "../../src/contract/lock.ts";
import { Engine } from "../../src/engine/engine.ts";
import { defaultPolicy } from "../../src/engine/policy.ts";
import { deferred } from "../deferred.ts";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { acquireArgs, executeArgs, freed, granted, queued, ScriptedStore, stage } from "./scripted-store.ts";

describe("close", () => {
  test("ends those who wait with LOCK_CLOSED, and refuses new calls with it", async () => {
    const { engine, store, clock } = await stage();
    const waiting = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    const outcome = outcomeOf(waiting);
    (await store.takes.next()).answer(queued(1));
    await settled();
    const closing = engine.close(10_000);
    (await store.releases.next()).answer(freed);
    expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["k"] } });
    await closing;
    const closed = { code: "LOCK_CLOSED" };
    await expect(engine.acquire(["k"], acquireArgs, undefined)).rejects.toMatchObject(closed);
    await expect(engine.execute(["k"], () => {}, executeArgs, undefined)).rejects.toMatchObject(closed);
    await expect(engine.release(["k"], null, undefined)).rejects.toMatchObject(closed);
    await expect(engine.releaseAll(null, undefined)).rejects.toMatchObject(closed);
    await expect(engine.inspect(["k"])).rejects.toMatchObject(closed);
    expect([store.closed, clock.pending]).toEqual([1, 0]);
  });

  test("leaves a handle that was released before as it was: it may be released again, as await using does", async () => {
    const { engine } = await stage(new ScriptedStore().obliging());
    const lock = await engine.acquire(["k"], acquireArgs, undefined);
    const held = await engine.acquire(["l"], acquireArgs, undefined);
    expect(await lock.release()).toBe(true);
    await engine.close(0);
    expect(await lock.release()).toBe(true);
    await lock[Symbol.asyncDispose]();
    await expect(held.release()).rejects.toMatchObject({ code: "LOCK_CLOSED" });
  });

  test("is idempotent", async () => {
    const { engine, store } = await stage();
    await Promise.all([engine.close(0), engine.close(10_000)]);
    await engine.close(0);
    expect(store.closed).toBe(1);
  });

  test("lets running jobs finish for up to drain, renewed to the end", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const job = deferred<string>();
    const outcome = engine.execute(["k"], () => job.promise, { ...executeArgs, expire: 1_000 }, undefined);
    await settled();
    const closing = engine.close(10_000);
    await clock.run(9_000);
    expect(store.closed).toBe(0);
    expect(store.renewals.all.length).toBeGreaterThan(20);
    job.resolve("done");
    expect(await outcome).toBe("done");
    await closing;
    expect(store.releases.all.flat()).toHaveLength(1);
    expect(store.closed).toBe(1);
    await clock.run(20_000);
    expect(clock.pending).toBe(0);
  });

  test("after drain aborts the signals and stops renewing; never frees a lock under a running job", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const job = deferred();
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
    await settled();
    const { signal } = held[0]!;
    const closing = engine.close(5_000);
    await clock.run(4_999);
    expect(signal.aborted).toBe(false);
    await clock.run(5_000);
    await closing;
    expect(signal.reason).toMatchObject({ code: "LOCK_CLOSED" });
    const renewals = store.renewals.all.length;
    await clock.run(60_000);
    job.resolve();
    await expect(outcome).rejects.toMatchObject({ code: "LOCK_CLOSED" });
    expect(store.renewals.all).toHaveLength(renewals);
    expect(store.releases.all).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("a lock that lives with a connection keeps it open until its job settles", async () => {
    const store = new ScriptedStore().obliging();
    store.capabilities = { ...store.capabilities, crashRelease: "session" };
    const { engine, clock } = await stage(store);
    const job = deferred();
    const outcome = engine.execute(["k"], () => job.promise, executeArgs, undefined);
    await settled();
    const closing = engine.close(0);
    await clock.run(0);
    await closing;
    expect(store.closed).toBe(0);
    job.resolve();
    await expect(outcome).rejects.toMatchObject({ code: "LOCK_CLOSED" });
    await settled();
    expect(store.closed).toBe(1);
  });

  test("waits for a release of a handle that is under way; what acquire took stays", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const [kept, released] = await Promise.all([
      engine.acquire(["a"], acquireArgs, undefined),
      engine.acquire(["b"], acquireArgs, undefined),
    ]);
    store.releases.always = null;
    const releasing = released.release();
    const closing = engine.close(0);
    const release = await store.releases.next();
    expect(store.closed).toBe(0);
    release.answer(freed);
    expect(await releasing).toBe(true);
    await closing;
    expect(store.releases.all.flat()).toHaveLength(1);
    expect(kept.signal.aborted).toBe(false);
    await expect(kept.release()).rejects.toMatchObject({ code: "LOCK_CLOSED", keys: ["a"] });
    await expect(kept.extend(5)).rejects.toMatchObject({ code: "LOCK_CLOSED", keys: ["a"] });
    expect(clock.pending).toBe(0);
  });

  test("is done in bounded time when nothing answers, and delivers nothing afterwards", async () => {
    const store = new ScriptedStore();
    store.close = () => new Promise(() => {}) as never;
    const { engine, clock, warnings } = await stage(store);
    const waiting = engine.acquire(["k"], { ...acquireArgs, awaitQueue: true }, undefined);
    waiting.catch(() => {});
    (await store.takes.next()).answer(queued(1));
    await settled();
    let closed = false;
    const closing = engine.close(0).then(() => (closed = true));
    await clock.run(3_000);
    expect(closed).toBe(true);
    await closing;
    expect(warnings).toEqual([expect.stringContaining("Closing")]);
    const sent = store.releases.all.length;
    await clock.run(600_000);
    expect(store.releases.all).toHaveLength(sent);
    expect(clock.pending).toBe(0);
  });

  test("while it connects closes what has been opened since", async () => {
    const store = new ScriptedStore();
    const { engine } = await stage(store);
    const opened = deferred();
    store.connect = () => opened.promise as never;
    const silent = (): void => {};
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const connecting = engine.connect({ id: "scripted", logger });
    const refused = outcomeOf(connecting);
    await engine.close(0);
    opened.resolve();
    expect(await refused).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    expect(store.closed).toBe(2);
  });

  test("a grant that was on its way is given back", async () => {
    const { engine, store, clock } = await stage();
    store.releases.always = () => freed;
    const acquiring = engine.acquire(["k"], acquireArgs, undefined);
    const refused = outcomeOf(acquiring);
    const take = await store.takes.next();
    const closing = engine.close(0);
    expect(await refused).toMatchObject({ error: { code: "LOCK_CLOSED" } });
    expect(store.releases.all.flat()).toMatchObject([{ claimId: take.requests[0]!.id, tombstone: true }]);
    await closing;
    take.answer(granted(take.requests[0]!.id));
    await settled();
    await clock.run(600_000);
    expect(clock.pending).toBe(0);
    expect(store.releases.all).toHaveLength(1);
  });

  test("waits for every job, not only for the first that ends", async () => {
    const { engine, store } = await stage(new ScriptedStore().obliging());
    const jobs = [deferred<string>(), deferred<string>()];
    const outcomes = jobs.map((job, n) =>
      outcomeOf(engine.execute([`k${n}`], () => job.promise, executeArgs, undefined)),
    );
    await settled();
    const closing = engine.close(10_000);
    jobs[0]!.resolve("first");
    await settled();
    expect(store.closed).toBe(0);
    jobs[1]!.resolve("second");
    await closing;
    expect(await Promise.all(outcomes)).toEqual([{ value: "first" }, { value: "second" }]);
  });

  test("waits for every call that is under way", async () => {
    const { engine, store } = await stage();
    const first = engine.release(["a"], "u", undefined);
    const one = await store.releases.next();
    const second = engine.release(["b"], "u", undefined);
    const other = await store.releases.next();
    const closing = engine.close(0);
    one.answer(freed);
    expect(await first).toBe(true);
    await settled();
    expect(store.closed).toBe(0);
    other.answer(freed);
    expect(await second).toBe(true);
    await closing;
    expect(store.closed).toBe(1);
  });

  test("does not wait for what the backend refuses to free", async () => {
    const { engine, store, clock } = await stage(new ScriptedStore().obliging());
    const error = new LockError("LOCK_UNAVAILABLE", "the table is missing");
    store.releases.always = () => ({ status: "failed", error });
    await engine.execute(["k"], () => {}, executeArgs, undefined);
    await settled();
    await engine.close(0);
    expect([store.closed, clock.now()]).toEqual([1, 0]);
  });

  test("of a store that has nothing to open or to close says nothing", async () => {
    const without = { connect: undefined, close: undefined };
    const store = Object.assign(new ScriptedStore().obliging(), without) as unknown as ScriptedStore;
    const { engine, warnings } = await stage(store);
    expect(await engine.execute(["k"], () => "done", executeArgs, undefined)).toBe("done");
    await engine.close(0);
    expect(warnings).toEqual([]);
  });

  test("of a provider that was never connected resolves, also where its store frees and closes nothing", async () => {
    const store = new ScriptedStore().obliging();
    const error = new LockError("LOCK_UNAVAILABLE", "the table is missing");
    store.releases.always = () => ({ status: "failed", error });
    store.close = () => {
      throw new Error("no");
    };
    const engine = new Engine("scripted", store, { ...defaultPolicy });
    expect(await engine.execute(["k"], () => "done", executeArgs, undefined)).toBe("done");
    await engine.close(0);
  });
});
