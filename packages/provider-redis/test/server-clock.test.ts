import { createLocking, type Locking } from "@lock/core";
import { expect, it, onTestFinished } from "vitest";
import { redisProvider } from "../src/index.ts";
import { deferred } from "./deferred.ts";
import { eventually } from "./eventually.ts";
import { claimOf, client, instance, journal, leftBehind, newNamespace } from "./instance.ts";
import { steppedServer } from "./stepped-server.ts";

const hour = 3_600;

async function services(redisUrl: string): Promise<{ one: Locking; other: Locking; namespace: string }> {
  const namespace = newNamespace();
  const connect = async (): Promise<Locking> => {
    const service = await createLocking({
      providers: [redisProvider({ redisUrl, namespace })],
      logger: journal().logger,
    });
    onTestFinished(() => service.close({ drain: 0 }));
    return service;
  };
  return { one: await connect(), other: await connect(), namespace };
}

/** But for the tombstones of a minute; an owner's index goes up to a second after its locks. */
async function nothingLeft(redis: ReturnType<typeof client>, namespace: string): Promise<void> {
  await eventually(async () =>
    (await leftBehind(redis, namespace)).filter((name) => !name.startsWith("t:")),
  ).toEqual([]);
}

/** What is written to under a lock, and refuses who comes with an older token than it has seen. */
function guarded(): { readonly refused: bigint[]; write(token: bigint): void } {
  let newest = 0n;
  const refused: bigint[] = [];
  return {
    refused,
    write: (token) => {
      if (token < newest) refused.push(token);
      else newest = token;
    },
  };
}

it("a server's clock stepped an hour forward ends leases early: two hold the key, the token refuses the first, and it is told", async () => {
  const server = await steppedServer();
  await using redis = client(server.url);
  const { one, other, namespace } = await services(server.url);
  const stock = guarded();
  const inside: string[] = [];
  let overlaps = 0;
  const entered = deferred<bigint>();
  const told = deferred<unknown>();
  const mayEnd = deferred();
  const first = one.execute(
    "a",
    async ({ fencingToken, signal }) => {
      inside.push("first");
      stock.write(fencingToken);
      signal.addEventListener("abort", () => told.resolve(signal.reason));
      entered.resolve(fencingToken);
      await mayEnd.promise;
      stock.write(fencingToken);
      inside.splice(inside.indexOf("first"), 1);
    },
    { expire: "6s" },
  );
  const token = await entered.promise;
  const kept = await one.acquire("without end", { ownerId: "u" });
  await server.step(hour);
  await other.execute("a", async (lock) => {
    overlaps += inside.length;
    stock.write(lock.fencingToken);
    expect(lock.fencingToken).toBeGreaterThan(token);
    expect(await told.promise).toMatchObject({ code: "LOCK_LOST" });
  });
  mayEnd.resolve();
  await expect(first).rejects.toMatchObject({ code: "LOCK_LOST" });
  expect({ overlaps, refused: stock.refused }).toEqual({ overlaps: 1, refused: [token] });

  // From then on all is as it was: leases last as long as they say, and what has none is held.
  await one.execute("a", async () => {
    await expect(other.acquire("a")).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  });
  await expect(other.acquire(["without end"])).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  expect(await kept.release()).toBe(true);
  await nothingLeft(redis, namespace);
}, 30_000);

it("a server's clock stepped an hour back breaks nothing: what is held is held, who waits has its turn, and a lease that was left lasts longer", async () => {
  const server = await steppedServer();
  await using redis = client(server.url);
  const { one, other, namespace } = await services(server.url);
  let inside = 0;
  let overlaps = 0;
  const tokens: bigint[] = [];
  const entered = deferred();
  const mayEnd = deferred();
  const job =
    (wait: Promise<void>) =>
    async (lock: { fencingToken: bigint }): Promise<void> => {
      overlaps += inside;
      inside += 1;
      tokens.push(lock.fencingToken);
      entered.resolve();
      await wait;
      inside -= 1;
    };
  const left = await one.acquire("left", { expire: "1s", ownerId: "u" });
  const calls = [one.execute("a", job(mayEnd.promise), { expire: "1s" })];
  await entered.promise;
  for (const service of [other, one, other]) {
    calls.push(service.execute("a", job(Promise.resolve()), { timeout: "20s" }));
  }
  await eventually(async () => (await other.inspect("a"))[0]?.waiting).toBe(3);
  await server.step(-hour);

  // Its own count is the monotonic clock's; the server keeps the key for longer, and gives it to nobody.
  await eventually(() => left.remaining()).toBe(0);
  await expect(other.acquire("left")).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
  expect(tokens).toHaveLength(1);
  mayEnd.resolve();
  await Promise.all(calls);
  expect(overlaps).toBe(0);
  expect(tokens).toHaveLength(4);
  expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
  expect(left.fencingToken).toBeLessThan(tokens[0] as bigint);

  // Leases of after the step are as long as they say.
  await one.acquire("b", { expire: "200ms" });
  await other.acquire("b", { awaitQueue: true, expire: "200ms" });
  await eventually(async () => (await one.inspect("b"))[0]?.holders).toEqual([]);

  // And the one that was left can be freed, or ends when the clock is put right.
  await server.step(0);
  await eventually(async () =>
    other.acquire("left").then(
      () => "free",
      () => "held",
    ),
  ).toBe("free");
  await other.releaseAll();
  await nothingLeft(redis, namespace);
}, 30_000);

it("after a server's clock stepped an hour back, a dead waiter keeps its place, and costs those behind it a hand-over of 8 s and no more", async () => {
  const server = await steppedServer();
  await using redis = client(server.url);
  const { one, other, namespace } = await services(server.url);
  await using dead = await instance({ redisUrl: server.url, namespace });
  const held = await one.acquire("a", { ownerId: "u" });
  const claim = claimOf({ keys: ["a"] });
  expect(await dead.take(claim)).toMatchObject({ status: "queued" });
  // Asks no more from here on: to the others it is dead.
  const behind = other.execute("a", () => "had its turn", { timeout: "25s" });
  await eventually(async () => (await one.inspect("a"))[0]?.waiting).toBe(2);
  await server.step(-hour);
  // By the clock as it was, its place has died.
  await server.step(-hour + 7);
  expect((await one.inspect("a"))[0]).toMatchObject({ waiting: 2 });

  await held.release();
  const { remaining } = await dead.handedTo(claim.id);
  expect(remaining).toBeLessThanOrEqual(8_000);
  expect((await one.inspect("a"))[0]?.waiting).toBe(1);
  // It ends by the clock as it is now.
  await server.step(-hour + 7 + 8);
  expect(await behind).toBe("had its turn");
  await nothingLeft(redis, namespace);
}, 30_000);
