import { assertHistory, startProcess, startProxy } from "@lock/testkit";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { client, leftBehind, newNamespace } from "./instance.ts";
import { ownServer } from "./own-server.ts";

const subject = new URL("./subject.ts", import.meta.url).href;
const times = 60;

it("processes whose connections are cut, whose replies are lost and whose server stops for a while never overlap: each of their additions counts once", async () => {
  const server = await ownServer();
  await using redis = client(server.url);
  const folder = await mkdtemp(join(tmpdir(), "lock-count-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "count");
  await writeFile(file, "0");
  const namespace = newNamespace();
  const parties = await Promise.all(
    ["one", "two", "three"].map(async (name) => {
      const proxy = await startProxy(server);
      onTestFinished(() => proxy.close());
      const env = { LOCK_TEST_REDIS_URL: `redis://${proxy.host}:${proxy.port}` };
      const process = await startProcess({ subject, namespace, name, clockShift: 0, env });
      onTestFinished(() => process[Symbol.asyncDispose]());
      return { proxy, process };
    }),
  );
  const counted = async (): Promise<number> => Number(await readFile(file, "utf8"));
  const done = Promise.all(parties.map(({ process }) => process.increment("k", file, times, 4)));
  done.catch(() => {});
  const disturbances: (() => unknown)[] = [
    () => parties[0]?.proxy.cut(),
    () => parties[1]?.proxy.loseReply(),
    () => parties[2]?.proxy.cut(),
    () => parties[0]?.proxy.loseReply(),
    () => redis.call("client", "PAUSE", 300),
    () => parties.map(({ proxy }) => proxy.cut()),
    () => redis.call("client", "KILL", "TYPE", "pubsub"),
  ];
  for (const [n, disturb] of disturbances.entries()) {
    await eventually(counted).toBeGreaterThan(n * 15);
    await disturb();
  }
  await done;
  expect(await counted()).toBe(parties.length * times);
  assertHistory((await Promise.all(parties.map(({ process }) => process.takeHistory()))).flat());
  await eventually(async () =>
    (await leftBehind(redis, namespace)).filter((name) => !name.startsWith("t:")),
  ).toEqual([]);
}, 60_000);
