import { describe, expect, test } from "vitest";
import { outcomeOf } from "../outcome.ts";
import { settled } from "./manual-clock.ts";
import { acquireArgs, freed, granted, queued, stage } from "./scripted-store.ts";

const waiting = { ...acquireArgs, awaitQueue: true, timeout: 2_000 };

describe("an answer that comes late", () => {
  test("is given back", async () => {
    const { engine, store } = await stage();
    store.releases.always = () => freed;
    const controller = new AbortController();
    const outcome = outcomeOf(engine.acquire(["k"], { ...waiting, signal: controller.signal }, undefined));
    const take = await store.takes.next();
    controller.abort("why");
    expect(await outcome).toEqual({ error: "why" });
    const { id } = take.requests[0]!;
    take.answer(granted(id));
    await settled();
    expect(store.releases.all.flat()).toMatchObject([
      { by: "claim", claimId: id, tombstone: true },
      { by: "claim", claimId: id, tombstone: true },
    ]);
  });

  test.each([
    ["a place in the queue is given back too", queued(1), 2],
    ["a refusal is nothing to give back", { status: "busy", ownerId: null, freeIn: 5 }, 1],
    ["nor is what was withdrawn already", { status: "withdrawn" }, 1],
  ] as const)("%s", async (_what, late, releases) => {
    const { engine, store } = await stage();
    store.releases.always = () => freed;
    const controller = new AbortController();
    const outcome = outcomeOf(engine.acquire(["k"], { ...waiting, signal: controller.signal }, undefined));
    const take = await store.takes.next();
    controller.abort("why");
    expect(await outcome).toEqual({ error: "why" });
    take.answer(late);
    await settled();
    expect(store.releases.all.flat()).toHaveLength(releases);
  });

  test("is given back until the backend has heard of it", async () => {
    const { engine, store, clock } = await stage();
    store.releases.always = () => ({ status: "failed", error: new Error("cut") });
    const controller = new AbortController();
    const outcome = outcomeOf(engine.acquire(["k"], { ...waiting, signal: controller.signal }, undefined));
    (await store.takes.next()).answer(queued(1));
    await settled();
    controller.abort("why");
    expect(await outcome).toEqual({ error: "why" });
    await clock.run(3_600_000);
    store.releases.always = () => freed;
    await clock.run(3_700_000);
    expect(clock.pending).toBe(0);
    const tries = store.releases.all.length;
    await clock.run(9_000_000);
    expect(store.releases.all).toHaveLength(tries);
  });

  test("a grant after a request that was never answered leaves a tombstone for it when it is released", async () => {
    const { engine, store, clock } = await stage();
    const acquiring = engine.acquire(["k"], waiting, undefined);
    (await store.takes.next()).fail(new Error("cut"));
    await clock.run(100);
    const take = await store.takes.next();
    take.answer(granted(take.requests[0]!.id));
    store.releases.always = () => freed;
    expect(await (await acquiring).release()).toBe(true);
    await settled();
    expect(store.releases.all.flat()).toMatchObject([{ by: "grant", tombstone: true }]);
  });

  test("a grant after a batch that failed, and may still arrive, leaves a tombstone too", async () => {
    const { engine, store } = await stage();
    const acquiring = ["a", "b"].map((key) => engine.acquire([key], waiting, undefined));
    (await store.takes.next()).fail(new Error("cut"));
    for (const _key of acquiring) {
      const take = await store.takes.next();
      take.answer(granted(take.requests[0]!.id));
    }
    store.releases.always = () => freed;
    for (const lock of await Promise.all(acquiring)) await lock.release();
    expect(store.releases.all.flat()).toMatchObject([
      { by: "grant", tombstone: true },
      { by: "grant", tombstone: true },
    ]);
  });

  test("a grant in place after such a request is released without a tombstone, and the claim withdrawn with one", async () => {
    const { engine, store, clock } = await stage();
    const acquiring = engine.acquire(["k"], waiting, undefined);
    const lost = await store.takes.next();
    lost.fail(new Error("cut"));
    await clock.run(100);
    (await store.takes.next()).answer(granted("earlier"));
    store.releases.always = () => freed;
    expect(await (await acquiring).release()).toBe(true);
    expect(store.releases.all.flat()).toMatchObject([
      { by: "grant", grantId: "earlier", tombstone: false },
      { by: "claim", claimId: lost.requests[0]!.id, tombstone: true },
    ]);
  });

  test("a claim that is withdrawn so is withdrawn until the backend has heard of it, for a minute", async () => {
    const { engine, store, clock } = await stage();
    const acquiring = engine.acquire(["k"], waiting, undefined);
    (await store.takes.next()).fail(new Error("cut"));
    await clock.run(100);
    (await store.takes.next()).answer(granted("earlier"));
    const withdrawn: number[] = [];
    store.releases.always = ({ by }) => {
      if (by === "grant") return freed;
      withdrawn.push(clock.now());
      return { status: "failed", error: new Error("cut") };
    };
    expect(await (await acquiring).release()).toBe(true);
    await clock.run(600_000);
    expect(withdrawn.at(-1)).toBeGreaterThan(50_000);
    expect(withdrawn.at(-1)).toBeLessThan(61_000);
    expect(clock.pending).toBe(0);
  });
});
