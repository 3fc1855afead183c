import { startProxy } from "@lock/testkit";
import { expect, it, onTestFinished } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import { client, newNamespace, redisUrl } from "./instance.ts";
import { connect, counted, inOrder, nothingLeft, waitingFor } from "./one-key.ts";
import { ownServer } from "./own-server.ts";

it("nothing is handed on by a process that can't hear of others: those who wait go to the server", async () => {
  const { url } = await ownServer();
  const namespace = newNamespace();
  await using redis = client(url);
  const service = await connect({ redisUrl: url, namespace });
  const [held, free] = [deferred(), deferred()];
  const { tokens, seen, run } = counted();
  const one = service.execute("a", async (lock) => {
    await run(lock);
    held.resolve();
    await free.promise;
  });
  await held.promise;
  const others = Array.from({ length: 5 }, () => service.execute("a", run, { timeout: "20s" }));
  await waitingFor(service, 5);
  const places = (): Promise<number> => redis.keys(`${namespace}*w:*`).then((names) => names.length);
  expect(await places()).toBe(0);
  await redis.call("client", "KILL", "TYPE", "pubsub");
  free.resolve();
  await Promise.all([one, ...others]);
  expect(seen).toEqual({ overlaps: 0, inside: 0 });
  expect(inOrder(tokens)).toBe(true);
  await nothingLeft(redis, namespace);
});

it("a connection that is cut while locks are handed on costs no turn and lets no two in", async () => {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startProxy({ host: hostname, port: Number(port || 6379) });
  onTestFinished(() => proxy.close());
  const namespace = newNamespace();
  await using redis = client();
  const cut = await connect({ redisUrl: `redis://${proxy.host}:${proxy.port}`, namespace });
  const whole = await connect({ redisUrl, namespace });
  const { tokens, seen, run } = counted();
  const over = { yes: false };
  const callers = [cut, cut, cut, cut, cut, cut, cut, cut, whole].map(async (service) => {
    while (!over.yes) {
      await service.execute("a", run, { timeout: "30s" }).catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  for (let n = 0; n < 6; n += 1) {
    const before = tokens.length;
    await eventually(() => tokens.length).toBeGreaterThan(before + 50);
    proxy.cut();
  }
  over.yes = true;
  await Promise.all(callers);
  expect(seen).toEqual({ overlaps: 0, inside: 0 });
  expect(inOrder(tokens)).toBe(true);
  await nothingLeft(redis, namespace);
});

it("a server that has no memory left for tokens is asked for each lock, as without", async () => {
  const { url } = await ownServer();
  const namespace = newNamespace();
  await using redis = client(url);
  const service = await connect({ redisUrl: url, namespace });
  const [held, free] = [deferred(), deferred()];
  const one = service.execute("a", async () => {
    held.resolve();
    await free.promise;
  });
  await held.promise;
  await redis.config("SET", "maxmemory", "1");
  const refused = service.execute("a", () => {}, { timeout: "20s" });
  await expect(refused).rejects.toMatchObject({ code: "LOCK_UNAVAILABLE" });
  free.resolve();
  await one;
  await redis.config("SET", "maxmemory", "0");
  expect(await service.execute("a", () => "in")).toBe("in");
  await nothingLeft(redis, namespace);
});

it("a process that lost its connection leaves the note at the key alone that another puts there meanwhile", async () => {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startProxy({ host: hostname, port: Number(port || 6379) });
  onTestFinished(() => proxy.close());
  const namespace = newNamespace();
  await using redis = client();
  const service = await connect({ redisUrl: `redis://${proxy.host}:${proxy.port}`, namespace });
  const free = deferred();
  const one = service.execute("a", () => free.promise);
  const two = service.execute("a", () => {}, { timeout: "50ms" }).catch(() => {});
  await two;
  await proxy.refuse();
  proxy.cut();
  await eventually(() => proxy.connections).toBe(0);
  const layout = new KeyLayout(namespace);
  free.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  await redis.set(layout.holders("a"), "another 1000000 e-- ", "PX", 10_000);
  await redis.set(layout.stand("a"), "another channel", "PX", 10_000);
  await proxy.restore();
  await expect(one).rejects.toMatchObject({ code: "LOCK_LOST" });
  expect(await service.execute("b", () => "in")).toBe("in");
  expect(await redis.get(layout.stand("a"))).toBe("another channel");
});
