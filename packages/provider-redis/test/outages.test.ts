import { createLocking, type Locking } from "@lock/core";
import { startProxy, type FaultProxy } from "@lock/testkit";
import { startRedis } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import {
  byGrant,
  claimOf,
  client,
  instance,
  journal,
  leftBehind,
  newNamespace,
  redisUrl,
} from "./instance.ts";
import { ownServer } from "./own-server.ts";

async function connect(options: RedisProviderOptions): Promise<Locking> {
  const service = await createLocking({
    providers: [redisProvider(options)],
    logger: journal().logger,
  });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

async function proxied(): Promise<{ readonly proxy: FaultProxy; readonly url: string }> {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startProxy({ host: hostname, port: Number(port || 6379) });
  onTestFinished(() => proxy.close());
  return { proxy, url: `redis://${proxy.host}:${proxy.port}` };
}

/** But for the tombstones of a minute. */
async function nothingLeft(redis: Redis, namespace: string): Promise<void> {
  await eventually(async () =>
    (await leftBehind(redis, namespace)).filter((name) => !name.startsWith("t:")),
  ).toEqual([]);
}

/** A job that counts how often it ran beside another of its key, and notes the tokens in the order of entry. */
function counted() {
  const tokens: bigint[] = [];
  const seen = { overlaps: 0, inside: 0 };
  const run = async ({ fencingToken }: { readonly fencingToken: bigint }): Promise<void> => {
    seen.overlaps += seen.inside;
    seen.inside += 1;
    tokens.push(fencingToken);
    await new Promise((resolve) => setTimeout(resolve, 2));
    seen.inside -= 1;
  };
  return { tokens, seen, run };
}

it("the reply of a renewal that is lost: it is renewed when asked again, with the same token", async () => {
  const { proxy, url } = await proxied();
  await using one = await instance({ redisUrl: url });
  const claim = claimOf({});
  const taken = await one.take(claim);
  const lost = proxy.loseReply();
  const renewal = { grantId: claim.id, keys: claim.keys, lease: 60_000 };
  await expect(one.store.renew([renewal])).rejects.toThrow("cut");
  await lost;
  expect(await one.store.renew([renewal])).toEqual([{ status: "renewed", remaining: 60_000 }]);
  expect(await one.store.inspect(["a"])).toMatchObject([
    { holders: [{ fencingToken: BigInt(taken.status === "granted" ? (taken.token as number) : 0) }] },
  ]);
  await one.release(byGrant(claim.id));
});

it("the reply of a release that is lost: the job's result is kept, and the next holder is not freed by the repeat", async () => {
  const { proxy, url } = await proxied();
  const namespace = newNamespace();
  await using redis = client();
  const [one, other] = [await connect({ redisUrl: url, namespace }), await connect({ redisUrl, namespace })];
  const next: { lock?: Promise<unknown>; lost?: Promise<void> } = {};
  const result = await one.execute("a", async () => {
    next.lock = other.acquire("a", { awaitQueue: true, timeout: "10s", ownerId: "next" });
    await eventually(async () => (await other.inspect("a"))[0]?.waiting).toBe(1);
    next.lost = proxy.loseReply();
    return "done";
  });
  expect(result).toBe("done");
  await next.lost;
  await next.lock;
  // Whatever was asked again has been asked by now: the connection is back, and takes its turn behind it.
  expect(await one.inspect("a")).toMatchObject([{ holders: [{ ownerId: "next" }], waiting: 0 }]);
  expect(await other.release("a", { ownerId: "next" })).toBe(true);
  await nothingLeft(redis, namespace);
});

it("wake-up connections that are killed again and again cost no turn: waiters of two processes all have theirs, one at a time", async () => {
  const { url } = await ownServer();
  const namespace = newNamespace();
  await using redis = client(url);
  const services = [await connect({ redisUrl: url, namespace }), await connect({ redisUrl: url, namespace })];
  const { tokens, seen, run } = counted();
  const jobs = Array.from({ length: 60 }, (_, n) =>
    (services[n % 2] as Locking).execute("a", run, { timeout: "25s" }),
  );
  let killed = 0;
  const done = Promise.all(jobs);
  const over = { yes: false };
  done.finally(() => (over.yes = true)).catch(() => {});
  while (!over.yes && killed < 40) killed += Number(await redis.call("client", "KILL", "TYPE", "pubsub"));
  await done;
  expect(killed).toBeGreaterThan(0);
  expect(seen).toEqual({ overlaps: 0, inside: 0 });
  expect(tokens).toHaveLength(60);
  expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
  await nothingLeft(redis, namespace);
}, 40_000);

it("connections that are cut while locks are handed over cost no turn and let no two in", async () => {
  const { proxy, url } = await proxied();
  const namespace = newNamespace();
  await using redis = client();
  const services = [await connect({ redisUrl: url, namespace }), await connect({ redisUrl: url, namespace })];
  const { tokens, seen, run } = counted();
  const jobs = Array.from({ length: 40 }, (_, n) =>
    (services[n % 2] as Locking).execute("a", run, { timeout: "25s" }),
  );
  for (const turns of [3, 9, 15]) {
    await eventually(() => tokens.length).toBeGreaterThanOrEqual(turns);
    proxy.cut();
  }
  await Promise.all(jobs);
  expect(seen).toEqual({ overlaps: 0, inside: 0 });
  expect(new Set(tokens).size).toBe(40);
  expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
  await nothingLeft(redis, namespace);
}, 40_000);

it("a server that is restarted without its data: another gets in with a greater token, and the holder is told LOCK_LOST", async () => {
  await using server = await startRedis();
  const namespace = newNamespace();
  const [one, other] = [
    await connect({ redisUrl: server.url, namespace }),
    await connect({ redisUrl: server.url, namespace }),
  ];
  await other.execute("a", () => {});
  const entered = deferred<bigint>();
  const told = deferred<unknown>();
  const first = one.execute(
    "a",
    async ({ fencingToken, signal }) => {
      signal.addEventListener("abort", () => told.resolve(signal.reason));
      entered.resolve(fencingToken);
      await told.promise;
    },
    { expire: "9s" },
  );
  first.catch(() => {});
  const token = await entered.promise;
  await server.stop();
  await server.start();
  await other.execute(
    "a",
    ({ fencingToken }) => {
      expect(fencingToken).toBeGreaterThan(token);
    },
    { timeout: "15s" },
  );
  await expect(first).rejects.toMatchObject({ code: "LOCK_LOST" });
  await using redis = client(server.url);
  await nothingLeft(redis, namespace);
}, 40_000);

it("a server that answers too slowly is LOCK_UNAVAILABLE in bounded time, and what it granted too late is given back", async () => {
  const { proxy, url } = await proxied();
  const namespace = newNamespace();
  await using redis = client();
  const [slow, other] = [
    await connect({ redisUrl: url, namespace, callTimeout: "300ms" }),
    await connect({ redisUrl, namespace }),
  ];
  proxy.latency(400);
  const before = performance.now();
  const calls = [
    slow.acquire("a"),
    slow.execute("b", () => {}, { timeout: "500ms" }),
    slow.inspect("c"),
    slow.release("c", { ownerId: "o" }),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "LOCK_UNAVAILABLE" } });
  }
  expect(performance.now() - before).toBeLessThan(5_000);
  await other.execute(["a", "b"], () => {}, { timeout: "15s" });
  await nothingLeft(redis, namespace);
}, 30_000);

it("a client that the application closes under a job: the job is told when its lease ends, and nothing of ours stays on the client", async () => {
  const namespace = newNamespace();
  await using redis = client();
  const other = await connect({ redisUrl, namespace });
  for (const close of ["quit", "disconnect"] as const) {
    const handed = new Redis(redisUrl);
    handed.on("error", () => {});
    const before = handed.eventNames().map((name) => [name, handed.listenerCount(name)]);
    const service = await connect({ client: handed, namespace, callTimeout: "300ms" });
    const held = await service.acquire("held", { ownerId: "u" });
    const job = service.execute(
      "a",
      async ({ signal }) => {
        await handed[close]();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        expect((signal.reason as { code: string }).code).toBe("LOCK_LOST");
      },
      { expire: "1s" },
    );
    await expect(job).rejects.toMatchObject({ code: "LOCK_LOST" });
    await expect(held.release()).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("closed") as string,
    });
    await other.execute("a", () => {}, { timeout: "5s" });
    expect(await other.release("held", { ownerId: "u" })).toBe(true);
    await service.close();
    expect(handed.eventNames().map((name) => [name, handed.listenerCount(name)])).toEqual(before);
  }
  await nothingLeft(redis, namespace);
}, 30_000);

it("a server that keeps large sorted sets in one piece: a releaseAll takes thousands in its one step", async () => {
  const { url } = await ownServer();
  await using redis = client(url);
  await redis.config("SET", "zset-max-listpack-entries", 20_000);
  await using one = await instance({ redisUrl: url });
  const keys = Array.from({ length: 9_000 }, (_, n) => `k${n}`);
  for (const ownerId of ["o", null]) {
    await one.take({ keys, ownerId: "o", lease: Infinity });
    await one.store.releaseAll(ownerId);
    expect((await one.store.inspect(keys)).every(({ holders }) => holders.length === 0)).toBe(true);
  }
}, 60_000);

it.each([["o"], [null]])(
  "the reply of a releaseAll of %j that is lost on a client that sends again by itself: what is granted since stays",
  async (ownerId) => {
    const { proxy, url } = await proxied();
    const namespace = newNamespace();
    await using other = await instance({ namespace });
    const handed = new Redis(url);
    handed.on("error", () => {});
    onTestFinished(() => handed.disconnect());
    await using one = await instance({ client: handed, namespace });
    await one.take({ ownerId: "o" });
    const lost = proxy.loseReply();
    await expect(one.store.releaseAll(ownerId)).rejects.toThrow("cut");
    await lost;
    expect(await other.take({ ownerId: "o" })).toMatchObject({ status: "granted" });
    await expect.poll(() => handed.status).toBe("ready");
    await handed.ping();
    expect(await other.store.inspect(["a"])).toMatchObject([{ holders: [{ ownerId: "o" }] }]);
  },
);

it("the wake-up connection is made anew when the server is not heard of any more, though nothing cut it", async () => {
  const { proxy, url } = await proxied();
  await using redis = client();
  const listening = new URL(url);
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (options) =>
    duplicate({ ...options, host: listening.hostname, port: Number(listening.port) });
  await using one = await instance({ client: redis });
  proxy.stall();
  await expect.poll(() => one.log.join(), { timeout: 15_000 }).toContain("Expecting data");
  proxy.resume();
  await one.wokenFor("*");
  const [held, waiter] = [claimOf({}), claimOf({})];
  await one.take(held);
  await one.take(waiter);
  await one.release(byGrant(held.id));
  await one.handedTo(waiter.id);
}, 30_000);
