import { describe, expect, test } from "vitest";
import type { Lock } from "../../src/contract/lock.ts";
import { causedBy } from "../../src/engine/job.ts";
import { LockError } from "../../src/contract/errors.ts";
import { deferred } from "../deferred.ts";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { executeArgs, freed, granted, queued, ScriptedStore, stage } from "./scripted-store.ts";

describe("of several jobs, in whatever order they end,", () => {
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 2, 0, 3],
    [2, 0, 3, 1],
  ];
  for (const order of orders) {
    test(`exactly those that run still are told of a loss, and waited for at close: ${order.join(", ")}`, async () => {
      const { engine, store } = await stage(new ScriptedStore().obliging());
      const running = new Map<number, { lock: Lock; end: () => void; outcome: Promise<unknown> }>();
      for (let n = 0; n < order.length; n += 1) {
        const job = deferred();
        const work = (lock: Lock): Promise<unknown> => {
          running.set(n, { lock, end: () => job.resolve(), outcome });
          return job.promise;
        };
        const outcome: Promise<unknown> = outcomeOf(engine.execute([`k${n}`], work, executeArgs, undefined));
        await settled();
      }
      const locks = [...running.values()].map(({ lock }) => lock);
      for (const [at, n] of order.entries()) {
        if (at === 2) store.events.lostAll();
        const { end, outcome, lock } = running.get(n)!;
        expect(lock.signal.aborted).toBe(at >= 2);
        end();
        expect(await outcome).toMatchObject(
          at >= 2 ? { error: { code: "LOCK_LOST" } } : { value: undefined },
        );
      }
      expect(locks.filter(({ signal }) => signal.aborted)).toHaveLength(2);
      // Nobody is left to wait for.
      await engine.close(Infinity);
    });
  }
});

describe("of jobs that are granted together,", () => {
  test("one whose lease ends while another keeps the process busy does not begin, and its lock is given back", async () => {
    const { engine, store, clock } = await stage();
    store.releases.always = () => freed;
    const args = { ...executeArgs, expire: 2_000 };
    const ran: string[] = [];
    const work = (key: string) => () => {
      ran.push(key);
      clock.jump(1_500 * ran.length);
      return key;
    };
    const outcomes = ["a", "b", "c"].map((key) =>
      outcomeOf(engine.execute([key], work(key), args, undefined)),
    );
    const take = await store.takes.next();
    take.answer(...take.requests.map(({ id, lease }) => granted(id, { remaining: lease })));
    const [, b, c] = await Promise.all(outcomes);
    expect(ran).toEqual(["a", "b"]);
    // The second was protected when it began, but not to its end.
    expect(b).toMatchObject({ error: { code: "LOCK_LOST" } });
    expect(c).toMatchObject({
      error: { code: "LOCK_LOST", message: expect.stringContaining("did not run") as string },
    });
    await settled();
    const given = store.releases.all.flat();
    expect(given).toContainEqual(expect.objectContaining({ grantId: take.requests[2]!.id, tombstone: true }));
    await engine.close(Infinity);
    await clock.run(60_000);
    expect(clock.pending).toBe(0);
  });

  test("one that the backend calls lost in the moment of its grant does not begin either", async () => {
    const { engine, store } = await stage();
    store.releases.always = () => freed;
    let ran = false;
    const outcome = outcomeOf(engine.execute(["k"], () => (ran = true), executeArgs, undefined));
    const take = await store.takes.next();
    take.answer(queued(1));
    await settled();
    const claimId = take.requests[0]!.id;
    store.events.granted({ claimId, ticket: 1, token: 1, remaining: 8_000, provisional: true });
    store.events.lostAll();
    expect(await outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
    expect(ran).toBe(false);
  });
});

describe("a grant that comes when the caller has just gone", () => {
  test("is given back, and goes on being given back where that fails", async () => {
    const { engine, store, clock } = await stage();
    const controller = new AbortController();
    const args = { ...executeArgs, signal: controller.signal };
    const outcome = outcomeOf(engine.execute(["k"], () => "ran", args, undefined));
    const take = await store.takes.next();
    take.answer(queued(1));
    await settled();
    const claimId = take.requests[0]!.id;
    store.events.granted({ claimId, ticket: 1, token: 1, remaining: 8_000, provisional: true });
    // Granted, but the call has not gone on yet.
    controller.abort(new Error("gone"));
    store.releases.always = () => ({ status: "failed", error: new Error("cut") });
    await settled();
    const { error, value } = (await outcome) as { error?: Error; value?: unknown };
    expect([error?.message, value]).toEqual(["gone", undefined]);
    const tries = store.releases.all.length;
    expect(tries).toBeGreaterThan(0);
    store.releases.always = () => freed;
    await clock.run(60_000);
    expect(store.releases.all.length).toBe(tries + 1);
    await engine.close(Infinity);
    expect(clock.pending).toBe(0);
  });

  test("from the queue is withdrawn, and no job runs", async () => {
    const { engine, store } = await stage();
    const controller = new AbortController();
    let ran = false;
    const args = { ...executeArgs, signal: controller.signal };
    const outcome = outcomeOf(engine.execute(["k"], () => (ran = true), args, undefined));
    (await store.takes.next()).answer(queued(1));
    await settled();
    controller.abort(new Error("gone"));
    const withdrawal = await store.releases.next();
    expect(withdrawal.requests).toMatchObject([{ by: "claim", tombstone: false }]);
    store.events.granted({
      claimId: (withdrawal.requests[0] as { claimId: string }).claimId,
      ticket: 1,
      token: 1,
      remaining: 8_000,
      provisional: true,
    });
    withdrawal.answer(freed);
    expect(await outcome).toMatchObject({ error: { message: "gone" } });
    expect(ran).toBe(false);
  });
});

describe("the error of a job that lost its lock", () => {
  const loss = (): LockError => new LockError("LOCK_LOST", "Lost the lock", { keys: ["k"] });

  test("is the cause of the loss", () => {
    const error = new Error("job");
    expect(causedBy(loss(), error).cause).toBe(error);
    expect(causedBy(loss(), undefined)).not.toHaveProperty("cause", undefined);
  });

  test("is none where it passes the loss on, however deep", () => {
    const lost = loss();
    let error: Error = lost;
    for (let depth = 0; depth < 50; depth += 1) error = new Error("wrapped", { cause: error });
    expect(causedBy(lost, error).cause).toBeUndefined();
  });

  test("may have causes that run in a circle", () => {
    const error = new Error("job");
    error.cause = error;
    expect(causedBy(loss(), error).cause).toBe(error);
  });
});
