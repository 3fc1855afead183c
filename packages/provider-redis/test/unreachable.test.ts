import { createLocking, type Locking } from "@lock/core";
import { startProxy, type FaultProxy } from "@lock/testkit";
import { Redis, type RedisOptions } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisProvider, type RedisProviderOptions } from "../src/provider.ts";
import { eventually } from "./eventually.ts";
import { instance, journal, newNamespace, redisUrl } from "./instance.ts";

async function proxied(): Promise<{ readonly proxy: FaultProxy; readonly url: string }> {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startProxy({ host: hostname, port: Number(port || 6379) });
  onTestFinished(() => proxy.close());
  return { proxy, url: `redis://${proxy.host}:${proxy.port}` };
}

async function locking(options: RedisProviderOptions): Promise<Locking> {
  const service = await createLocking({
    providers: [redisProvider({ namespace: newNamespace(), ...options })],
    logger: journal().logger,
  });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

async function took(work: Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work.catch(() => {});
  return performance.now() - before;
}

describe("a server that can't be reached", () => {
  const settings: readonly [string, RedisOptions][] = [
    ["ioredis' defaults", {}],
    ["endless retries", { maxRetriesPerRequest: null }],
    ["no retries", { maxRetriesPerRequest: 0 }],
    ["no offline queue", { enableOfflineQueue: false }],
    ["no reconnecting", { retryStrategy: () => null }],
  ];

  it("is LOCK_UNAVAILABLE in bounded time at start, and nothing stays open, whatever the client's settings", async () => {
    const { proxy, url } = await proxied();
    await proxy.refuse();
    const handed = new Redis(url, { lazyConnect: true });
    handed.on("error", () => {});
    onTestFinished(() => handed.disconnect());
    const all: RedisProviderOptions[] = settings.map(([, redisOptions]) => ({ redisUrl: url, redisOptions }));
    const before = performance.now();
    const started = [...all, { client: handed }].map((options) =>
      createLocking({ providers: [redisProvider(options)] }),
    );
    for (const outcome of await Promise.allSettled(started)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "LOCK_UNAVAILABLE" } });
    }
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(handed.listenerCount("ready")).toBe(0);
    expect(proxy.connections).toBe(0);
  });

  for (const [name, redisOptions] of settings) {
    it(`ends every call in bounded time when it falls silent, and is used again when it speaks: ${name}`, async () => {
      const { proxy, url } = await proxied();
      const service = await locking({ redisUrl: url, redisOptions, callTimeout: "300ms" });
      const lock = await service.acquire("held", { expire: 60 });
      proxy.stall();
      const durations = await Promise.all([
        took(service.acquire("a")),
        took(service.execute("a", () => {}, { timeout: "500ms" })),
        took(service.release("a", { ownerId: "o" })),
        took(service.releaseAll({ ownerId: "o" })),
        took(service.inspect("a")),
        took(lock.extend(60)),
      ]);
      expect(Math.max(...durations)).toBeLessThan(3_000);
      await expect(service.acquire("a")).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
      proxy.resume();
      await expect
        .poll(() => service.execute("a", () => "ran").catch(() => null), { timeout: 8_000 })
        .toBe("ran");
    });

    it(`ends every call in bounded time when the server of a client that was handed in falls silent or goes away: ${name}`, async () => {
      const { proxy, url } = await proxied();
      const handed = new Redis(url, { ...redisOptions, replyMapping: "legacy" });
      handed.on("error", () => {});
      onTestFinished(() => handed.disconnect());
      const service = await locking({ client: handed, callTimeout: "300ms" });
      const lock = await service.acquire("held", { expire: 60 });
      const failing = async (): Promise<void> => {
        const before = performance.now();
        const calls = [
          service.acquire("a"),
          service.execute("a", () => {}, { timeout: "500ms" }),
          service.release("a", { ownerId: "o" }),
          service.releaseAll({ ownerId: "o" }),
          service.inspect("a"),
          lock.extend(60),
        ];
        for (const outcome of await Promise.allSettled(calls)) {
          expect(outcome).toMatchObject({ status: "rejected", reason: { code: "LOCK_UNAVAILABLE" } });
        }
        expect(performance.now() - before).toBeLessThan(3_000);
      };
      proxy.stall();
      await failing();
      proxy.resume();
      await expect
        .poll(() => service.execute("a", () => "ran").catch(() => null), { timeout: 8_000 })
        .toBe("ran");
      await proxy.refuse();
      proxy.cut();
      await failing();
    });

    it(`works again after its connections were cut: ${name}`, async () => {
      const { proxy, url } = await proxied();
      const service = await locking({ redisUrl: url, redisOptions });
      await service.execute("a", () => {});
      proxy.cut();
      expect(await service.execute("a", () => "ran")).toBe("ran");
    });
  }
});

it.each([["the connection is cut for good"], ["the provider is closed"]] as const)(
  "a request under way when %s ends for its caller then: what the client says of it later is nobody's, and ends no process",
  async (end) => {
    const { proxy, url } = await proxied();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    onTestFinished(() => void process.off("unhandledRejection", note));
    const handed = new Redis(url, { retryStrategy: () => null });
    handed.on("error", () => {});
    onTestFinished(() => handed.disconnect());
    const cut = end === "the connection is cut for good";
    const one = await instance(cut ? { client: handed } : { redisUrl: url });
    proxy.stall();
    const requests = [one.take({}), one.store.inspect(["a"])];
    const ended = Promise.allSettled(requests);
    await (cut ? proxy.cut() : one.store.close());
    const why = { message: expect.stringMatching(/cut|closed/) as string };
    expect(await ended).toMatchObject(requests.map(() => ({ status: "rejected", reason: why })));
    // Then the client has told all that it knows.
    await eventually(() => !cut || handed.status === "end").toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
    await one.store.close();
  },
);
