import type { Locking } from "@lock/core";
import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import { client, newNamespace, redisUrl } from "./instance.ts";
import { connect, counted, inOrder, nothingLeft, waitingFor } from "./one-key.ts";
import { ownServer } from "./own-server.ts";

/** How many scripts the server has run since, of all its clients. */
async function scriptsSince(redis: Redis): Promise<() => Promise<number>> {
  const count = async (): Promise<number> => {
    const stats = await redis.info("commandstats");
    return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
  };
  const before = await count();
  return async () => (await count()) - before;
}

/** Two processes that want one key, which the first holds until it is asked in which order they were served. */
async function twoProcesses(options: RedisProviderOptions): Promise<{
  readonly here: Locking;
  readonly there: Locking;
  ask(this: void, service: Locking, name: string): void;
  served(this: void): Promise<string[]>;
}> {
  const [here, there] = [await connect(options), await connect(options)];
  const order: string[] = [];
  const [held, free] = [deferred(), deferred()];
  const jobs: Promise<unknown>[] = [
    here.execute("a", async () => {
      held.resolve();
      await free.promise;
    }),
  ];
  await held.promise;
  return {
    here,
    there,
    ask: (service, name) =>
      void jobs.push(service.execute("a", () => void order.push(name), { timeout: "20s" })),
    served: async () => {
      free.resolve();
      await Promise.all(jobs);
      return order;
    },
  };
}

describe("hand-off inside the process", () => {
  it("2,000 jobs of 64 callers take a few requests, one at a time, each with a greater token", async () => {
    const { url } = await ownServer();
    const namespace = newNamespace();
    await using redis = client(url);
    const service = await connect({ redisUrl: url, namespace });
    const scripts = await scriptsSince(redis);
    const { tokens, seen, run } = counted();
    const caller = async (): Promise<void> => {
      while (tokens.length < 2_000) await service.execute("a", run, { timeout: "30s" });
    };
    await Promise.all(Array.from({ length: 64 }, caller));
    expect(seen).toEqual({ overlaps: 0, inside: 0 });
    expect(inOrder(tokens)).toBe(true);
    expect(await scripts()).toBeLessThan(tokens.length / 20);
    // The next holder, whoever it is, has a greater token still.
    const other = await connect({ redisUrl: url, namespace, handoff: false });
    expect(await other.execute("a", ({ fencingToken }) => fencingToken)).toBeGreaterThan(tokens.at(-1)!);
    await nothingLeft(redis, namespace);
  });

  it("handoff: false sends every release and every claim to the server", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    const service = await connect({ redisUrl: url, namespace: newNamespace(), handoff: false });
    const scripts = await scriptsSince(redis);
    const { run } = counted();
    await Promise.all(Array.from({ length: 50 }, () => service.execute("a", run, { timeout: "30s" })));
    // Claims of one tick travel together, releases do not: there is one at a time.
    expect(await scripts()).toBeGreaterThanOrEqual(51);
  });

  it("who waits elsewhere gets in after those who waited here before, and before those who come later", async () => {
    const namespace = newNamespace();
    const { here, there, ask, served } = await twoProcesses({ redisUrl, namespace });
    ask(here, "here 1");
    await waitingFor(here, 1);
    ask(here, "here 2");
    await waitingFor(here, 2);
    ask(there, "there");
    await waitingFor(here, 3);
    ask(here, "here 3");
    await waitingFor(here, 4);
    expect(await served()).toEqual(["here 1", "here 2", "there", "here 3"]);
  });

  it("a process that never stops asking keeps no other waiting", async () => {
    const namespace = newNamespace();
    const [busy, other] = [await connect({ redisUrl, namespace }), await connect({ redisUrl, namespace })];
    const { tokens, seen, run } = counted();
    const over = { yes: false };
    const callers = Array.from({ length: 16 }, async () => {
      while (!over.yes) await busy.execute("a", run, { timeout: "30s" });
    });
    for (let turn = 0; turn < 20; turn += 1) {
      const before = tokens.length;
      await other.execute("a", run, { timeout: "30s" });
      // Those who waited already, those who came while its request was under way, and those that its news met on the way.
      expect(tokens.length - before).toBeLessThan(5_000);
    }
    over.yes = true;
    await Promise.all(callers);
    expect(seen).toEqual({ overlaps: 0, inside: 0 });
    expect(inOrder(tokens)).toBe(true);
  });

  it("when the others have gone, those who wait at the server come home", async () => {
    const { url } = await ownServer();
    const namespace = newNamespace();
    await using redis = client(url);
    const [here, there] = [
      await connect({ redisUrl: url, namespace }),
      await connect({ redisUrl: url, namespace }),
    ];
    const { tokens, seen, run } = counted();
    const over = { yes: false };
    const callers = Array.from({ length: 16 }, async () => {
      while (!over.yes) await here.execute("a", run, { timeout: "30s" });
    });
    const lock = await there.acquire("a", { awaitQueue: true, timeout: "30s" });
    await waitingFor(there, 16);
    await lock.release();
    const scripts = await scriptsSince(redis);
    const before = tokens.length;
    await eventually(() => tokens.length - before).toBeGreaterThan(3_000);
    const asked = await scripts();
    over.yes = true;
    await Promise.all(callers);
    expect(asked).toBeLessThan(1_500);
    expect(seen).toEqual({ overlaps: 0, inside: 0 });
    expect(inOrder(tokens)).toBe(true);
    await nothingLeft(redis, namespace);
  });

  it("on terms, a process goes on while others wait, and no longer", async () => {
    const namespace = newNamespace();
    const options = { redisUrl, namespace, handoff: { turns: 3, ms: 10_000 } };
    const { here, there, ask, served } = await twoProcesses(options);
    ask(here, "here");
    await waitingFor(here, 1);
    ask(there, "there");
    await waitingFor(here, 2);
    for (let n = 1; n <= 5; n += 1) {
      ask(here, `late ${n}`);
      await waitingFor(here, 2 + n);
    }
    const order = await served();
    expect(order.indexOf("there")).toBe(4);
    expect(order.slice(0, 4)).toEqual(["here", "late 1", "late 2", "late 3"]);
    expect(redisProvider(options).capabilities.fifo).toBe(false);
    expect(redisProvider({ redisUrl }).capabilities.fifo).toBe(true);
  });

  it.each([
    ["", {}],
    [", also behind a prefix for keys", { keyPrefix: newNamespace() }],
  ])(
    "a releaseAll from elsewhere is told at once to who holds by hand-off%s, and its next gets a newer lock",
    async (_, redisOptions) => {
      const options = { redisUrl, redisOptions, namespace: newNamespace() };
      const [here, there] = [await connect(options), await connect(options)];
      const [first, entered] = [deferred(), deferred()];
      const one = here.execute("a", () => first.promise);
      await eventually(async () => (await here.inspect("a"))[0]?.holders.length).toBe(1);
      let token = 0n;
      const second = here.execute("a", async (lock) => {
        token = lock.fencingToken;
        entered.resolve();
        await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
      });
      await waitingFor(here, 1);
      first.resolve();
      await one;
      await entered.promise;
      const third = here.execute("a", ({ fencingToken }) => fencingToken, { timeout: "20s" });
      await waitingFor(here, 1);
      const outcome = second.catch((error: unknown) => error);
      await there.releaseAll();
      const freed = performance.now();
      expect(await outcome).toMatchObject({ code: "LOCK_LOST" });
      // Sooner than it would find out by itself.
      expect(performance.now() - freed).toBeLessThan(1_500);
      expect(await third).toBeGreaterThan(token);
    },
  );

  it.each([
    ["in another database", { db: 1 }],
    ["behind another prefix for keys", { keyPrefix: newNamespace() }],
  ])(
    "a releaseAll in a namespace of the same name %s takes nothing from who holds by hand-off",
    async (_, redisOptions) => {
      const namespace = newNamespace();
      const here = await connect({ redisUrl, namespace });
      const there = await connect({ redisUrl, namespace, redisOptions });
      for (let n = 0; n < 10; n += 1) await there.execute("b", () => {});
      const [first, entered, second] = [deferred(), deferred(), deferred()];
      const one = here.execute("a", () => first.promise);
      await eventually(async () => (await here.inspect("a"))[0]?.holders.length).toBe(1);
      const other = here.execute("a", () => {
        entered.resolve();
        return second.promise;
      });
      await waitingFor(here, 1);
      first.resolve();
      await one;
      await entered.promise;
      await there.releaseAll();
      await here.inspect("a");
      second.resolve();
      await other;
    },
  );

  it.each([
    [{ handoff: "yes" }, "true, false or { turns, ms }"],
    [{ handoff: { turns: 0 } }, "a whole number from 1"],
    [{ handoff: { ms: -1 } }, "above 0"],
    [{ handoff: true, push: false }, "only with push"],
    [{ handoff: {}, replicas: { min: 1, timeout: 1 } }, "without replicas"],
  ])("%j is LOCK_CONFIG", (options, message) => {
    const make = () => redisProvider({ redisUrl, ...(options as object) });
    expect(make).toThrow(expect.objectContaining({ code: "LOCK_CONFIG" }));
    expect(make).toThrow(message);
  });
});
