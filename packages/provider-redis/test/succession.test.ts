import { startRedis } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { Bucket } from "../src/bucket.ts";
import { Connection } from "../src/connection.ts";
import { releaseAllScript } from "../src/operations/release-all.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import {
  byGrant,
  claimOf,
  client,
  instance,
  journal,
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

it("a releaseAll that goes on at another server frees what it would have missed by the first one's cursor", async () => {
  await using server = await startRedis();
  const connection = new Connection({ redisUrl: server.url }, 5_000);
  await connection.open("test", journal().logger, []);
  onTestFinished(() => connection.close());
  const bucket = new Bucket(connection, new KeyLayout(newNamespace()), "", "process", null);
  const keys = Array.from({ length: 900 }, (_, n) => `k${n}`);
  for (let from = 0; from < keys.length; from += 100) {
    const some = keys.slice(from, from + 100);
    await bucket.take(some.map((key) => claimOf({ keys: [key], ownerId: "o", lease: Infinity })));
  }
  const { run } = connection;
  let steps = 0;
  connection.run = async (call, onlyAt) => {
    // As after a failover, a cursor of the one is none of the other.
    if (call.script === releaseAllScript && (steps += 1) === 5) {
      await server.command("SAVE");
      await server.stop();
      await server.start();
      await bucket.take([claimOf({})]);
    }
    return run.call(connection, call, onlyAt);
  };
  await bucket.releaseAll("o");
  const left = (await bucket.inspect(keys)).filter(({ holders }) => holders.length > 0);
  expect(left).toEqual([]);
}, 30_000);

it("a releaseAll that goes on at another server frees there too what is in no index", async () => {
  await using server = await startRedis();
  const connection = new Connection({ redisUrl: server.url }, 5_000);
  await connection.open("test", journal().logger, []);
  onTestFinished(() => connection.close());
  const bucket = new Bucket(connection, new KeyLayout(newNamespace()), "", "process", null);
  const endless = Array.from({ length: 300 }, (_, n) => claimOf({ keys: [`k${n}`], lease: Infinity }));
  for (const claim of [...endless, claimOf({})]) await bucket.take([claim]);
  // What comes later is what a failover loses.
  await server.command("SAVE");
  const { run } = connection;
  let steps = 0;
  connection.run = async (call, onlyAt) => {
    if (call.script === releaseAllScript && (steps += 1) === 3) {
      await server.stop();
      await server.start();
      await bucket.take([claimOf({ keys: ["b"] })]);
    }
    return run.call(connection, call, onlyAt);
  };
  await bucket.releaseAll(null);
  expect(await bucket.inspect(["k0", "a", "b"])).toMatchObject([
    { holders: [] },
    { holders: [] },
    { holders: [{}] },
  ]);
}, 30_000);

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
