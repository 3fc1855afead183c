import { startRedis } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import {
  byGrant,
  claimOf,
  client,
  instance,
  newId,
  newNamespace,
  redisUrl,
  type Instance,
} from "./instance.ts";
import { ownServer } from "./own-server.ts";

const far = 900_000_000;

async function tokenOf(one: Awaited<ReturnType<typeof instance>>): Promise<number> {
  // A key of its own: one whose reply was lost is held until its lease ends.
  const claim = claimOf({ keys: [newId()] });
  const reply = await one.take(claim);
  await one.release(byGrant(claim.id));
  return reply.status === "granted" ? Number(reply.token) : Number.NaN;
}

it("a server that was restarted with older data gives tokens far ahead of all that it gave", async () => {
  await using server = await startRedis();
  const namespace = newNamespace();
  const before = await instance({ redisUrl: server.url, namespace });
  await tokenOf(before);
  await server.command("SAVE");
  const lost = await tokenOf(before);
  await before.store.close();
  await server.stop();
  await server.start();
  // It never spoke to the server before, and knows none of its tokens.
  await using after = await instance({ redisUrl: server.url, namespace });
  const next = await tokenOf(after);
  expect(next).toBeGreaterThan(lost + far);
  // Once: the next who connects finds this server's own name.
  await using later = await instance({ redisUrl: server.url, namespace });
  expect(await tokenOf(later)).toBe(next + 1);
}, 30_000);

it("a server that lost everything leaps past the tokens of a process that lived through it", async () => {
  const { url } = await ownServer();
  const namespace = newNamespace();
  await using redis = client(url);
  await using one = await instance({ redisUrl: url, namespace });
  let last = 0;
  for (let n = 0; n < 5; n += 1) last = await tokenOf(one);
  await redis.flushall();
  await redis.call("client", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually(async () => tokenOf(one).catch(() => 0)).toBeGreaterThan(last + far);
});

it("who asks in the moment that the client is back asks no other server for a token unawares", async () => {
  const namespace = newNamespace();
  await using redis = client();
  const handed = new Redis(redisUrl, { lazyConnect: true });
  onTestFinished(() => handed.disconnect());
  const again = deferred<Promise<number>>();
  let one: Instance | null = null;
  handed.on("ready", () => {
    if (one) again.resolve(tokenOf(one));
  });
  one = await instance({ client: handed, namespace });
  const last = await tokenOf(one);
  await redis.set(new KeyLayout(namespace).server, " another");
  await redis.client("KILL", "ID", await handed.client("ID"));
  expect(await again.promise).toBeGreaterThan(last + far);
  await one.store.close();
});

it("data that is flushed under a connection that stands costs one token, by which it is noticed", async () => {
  const { url } = await ownServer();
  await using redis = client(url);
  await using one = await instance({ redisUrl: url });
  let last = 0;
  for (let n = 0; n < 5; n += 1) last = await tokenOf(one);
  await redis.flushall();
  await tokenOf(one);
  expect(await tokenOf(one)).toBeGreaterThan(last + far);
});
