import { createLocking, type Locking } from "@lock/core";
import { startProxy } from "@lock/testkit";
import { Redis } from "ioredis";
import { isDeepStrictEqual } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { redisProvider } from "../src/index.ts";
import { eventually } from "./eventually.ts";
import { client, journal, newNamespace } from "./instance.ts";
import { ownServer } from "./own-server.ts";

/** What keeps this process up, by kind. */
function resources(): { readonly timers: number; readonly sockets: number } {
  const all = process.getActiveResourcesInfo();
  const count = (kind: string): number => all.filter((one) => one === kind).length;
  return { timers: count("Timeout"), sockets: count("TCPSocketWrap") };
}

const listeners = (handed: Redis): unknown[] =>
  handed.eventNames().map((name) => [name, handed.listenerCount(name)]);

it("after cuts, lost replies, silence and killed wake-ups a service has no listener more than before, and one that is closed leaves no timer and no socket", async () => {
  const server = await ownServer();
  const namespace = newNamespace();
  await using redis = client(server.url);
  await redis.ping();
  const before = resources();
  const proxy = await startProxy(server);
  onTestFinished(() => proxy.close());
  const url = `redis://${proxy.host}:${proxy.port}`;
  const handed = new Redis(url);
  handed.on("error", () => {});
  onTestFinished(() => handed.disconnect());
  const callTimeout = "300ms";
  const services = await Promise.all(
    [{ redisUrl: url }, { client: handed }].map((source) =>
      createLocking({
        providers: [redisProvider({ ...source, namespace, callTimeout })],
        logger: journal().logger,
      }),
    ),
  );
  const use = (): Promise<unknown> =>
    Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        (services[n % 2] as Locking).execute("a", () => new Promise((resolve) => setTimeout(resolve, 20)), {
          timeout: "600ms",
        }),
      ),
    );
  await use();
  const listening = listeners(handed);
  const faults: (() => unknown)[] = [
    () => proxy.cut(),
    () => void proxy.loseReply(),
    () => redis.call("client", "KILL", "TYPE", "pubsub"),
    () => {
      proxy.stall();
      setTimeout(() => proxy.resume(), 400);
    },
    () => proxy.cut(),
  ];
  for (const fault of faults) {
    const under = use();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await fault();
    await under;
  }
  await eventually(async () =>
    Promise.all(services.map((service) => service.execute("a", () => "in").catch(() => null))),
  ).toEqual(["in", "in"]);
  expect(listeners(handed)).toEqual(listening);
  await Promise.all(services.map((service) => service.close()));
  handed.disconnect();
  await proxy.close();
  // Not by `eventually`, which has a timer itself while it asks.
  for (let n = 0; n < 100 && !isDeepStrictEqual(resources(), before); n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(resources()).toEqual(before);
}, 40_000);
