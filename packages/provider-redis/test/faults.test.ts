import { startProxy, type FaultProxy } from "@lock/testkit";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { eventually } from "./eventually.ts";
import { byGrant, claimOf, client, instance, leftBehind, newNamespace, redisUrl } from "./instance.ts";
import { ownServer } from "./own-server.ts";
import { documentedRights } from "./rights.ts";

async function proxied(): Promise<{ readonly proxy: FaultProxy; readonly url: string }> {
  const { hostname, port } = new URL(redisUrl);
  const proxy = await startProxy({ host: hostname, port: Number(port || 6379) });
  onTestFinished(() => proxy.close());
  return { proxy, url: `redis://${proxy.host}:${proxy.port}` };
}

describe("a server that has forgotten the scripts", () => {
  it("is given them again, in the same call", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    await using one = await instance({ redisUrl: url });
    const claim = claimOf({});
    await redis.script("FLUSH");
    expect(await one.take(claim)).toMatchObject({ status: "granted" });
    await redis.script("FLUSH");
    expect(await one.store.renew([{ grantId: claim.id, keys: ["a"], lease: 5 }])).toMatchObject([
      { status: "renewed" },
    ]);
    await redis.script("FLUSH");
    expect(await one.store.inspect(["a"])).toHaveLength(1);
    await redis.script("FLUSH");
    expect(await one.release(byGrant(claim.id))).toMatchObject({ status: "released" });
    await redis.script("FLUSH");
    await one.store.releaseAll(null);
  });
});

describe("a server out of memory", () => {
  it("refuses new locks as LOCK_UNAVAILABLE saying so, and lets those that are held be renewed, handed over and released", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    const namespace = newNamespace();
    await using one = await instance({ redisUrl: url, namespace });
    const [held, waiter, owned, shared] = [
      claimOf({}),
      claimOf({}),
      claimOf({ keys: ["b"], ownerId: "o", lease: Infinity }),
      claimOf({ keys: ["c"], limit: 2 }),
    ];
    await one.store.take([held, waiter, owned, shared]);
    await redis.config("SET", "maxmemory", "1");
    const refusal = { code: "LOCK_UNAVAILABLE", message: expect.stringContaining("out of memory") as string };
    await expect(one.take({ keys: ["d"] })).rejects.toMatchObject(refusal);
    await expect(one.take({ keys: ["d"], ownerId: "o" })).rejects.toMatchObject(refusal);
    const renewals = [held, owned, shared].map(({ id, keys }) => ({ grantId: id, keys, lease: 60_000 }));
    expect(await one.store.renew(renewals)).toEqual(
      renewals.map(() => ({ status: "renewed", remaining: 60_000 })),
    );
    expect(await one.release(byGrant(held.id))).toEqual({ status: "released", freed: true });
    const handover = await one.handedTo(waiter.id);
    expect(await one.store.renew([{ grantId: waiter.id, keys: ["a"], lease: 60_000 }])).toMatchObject([
      { status: "renewed" },
    ]);
    expect(await one.store.inspect(["a"])).toMatchObject([
      { holders: [{ fencingToken: BigInt(handover.token as number) }] },
    ]);
    expect(
      await one.release({ by: "grant", grantId: waiter.id, keys: ["a"], tombstone: true }),
    ).toMatchObject({ freed: true });
    expect(await one.release({ by: "claim", claimId: "late", keys: ["a"], tombstone: true })).toMatchObject({
      freed: false,
    });
    await one.store.releaseAll("o");
    await one.store.releaseAll(null);
    await redis.config("SET", "maxmemory", "0");
    expect(await leftBehind(redis, namespace)).toEqual([`t:${waiter.id}`, "t:late"].toSorted());
  });

  it("lets what several hold be renewed alone too", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    await using one = await instance({ redisUrl: url });
    const shared = [claimOf({ limit: Infinity }), claimOf({ keys: ["b"], limit: 2, ownerId: "o" })];
    await one.store.take(shared);
    await redis.config("SET", "maxmemory", "1");
    for (const { id, keys } of shared) {
      expect(await one.store.renew([{ grantId: id, keys, lease: 60_000 }])).toMatchObject([
        { status: "renewed" },
      ]);
    }
    for (const { holders } of await one.store.inspect(["a", "b"])) {
      expect(holders[0]?.remaining).toBeGreaterThan(50_000);
    }
  });

  it("that took over meanwhile lets locks be released too", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    const namespace = newNamespace();
    await using one = await instance({ redisUrl: url, namespace });
    const held = claimOf({ ownerId: null, lease: Infinity });
    await one.take(held);
    await redis.set(new KeyLayout(namespace).server, " another");
    await redis.config("SET", "maxmemory", "1");
    await redis.call("client", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await eventually(() => one.log.some((line) => line.endsWith("re-established"))).toBe(true);
    expect(await one.release(byGrant(held.id))).toEqual({ status: "released", freed: true });
  });
});

describe("a server that evicts", () => {
  it("is warned about once, at start", async () => {
    const { url } = await ownServer();
    await using redis = client(url);
    await redis.config("SET", "maxmemory-policy", "allkeys-lru");
    await using one = await instance({ redisUrl: url });
    const warnings = one.log.filter((line) => line.startsWith("warn"));
    expect(warnings).toEqual([expect.stringContaining("allkeys-lru")]);
    expect(warnings[0]).toContain("noeviction");
  });
});

describe("rights", () => {
  it("for another namespace, or by a wrong password, are LOCK_UNAVAILABLE, and the message says so", async () => {
    const { url, host, port } = await ownServer();
    await using redis = client(url);
    await redis.acl("SETUSER", "locks", ...(await documentedRights("orders:", "server")));
    const as = { redisUrl: `redis://locks:secret@${host}:${port}`, namespace: "orders:" };
    await using one = await instance(as);
    expect(await one.take({})).toMatchObject({ status: "granted" });
    await expect(instance({ ...as, namespace: "others:" })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("lacks rights") as string,
    });
    await expect(instance({ redisUrl: `redis://locks:wrong@${host}:${port}` })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("password") as string,
    });
  });

  it("something else under a name of the namespace is LOCK_UNAVAILABLE, and nothing of it changes", async () => {
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ namespace });
    await redis.rpush(`${namespace}{0}h:b`, "mine");
    await expect(one.take({ keys: ["a", "b"] })).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("namespace") as string,
    });
    expect(await leftBehind(redis, namespace)).toEqual(["h:b"]);
    await redis.del(`${namespace}{0}h:b`);
  });
});

describe("a reply that is lost", () => {
  it("of a take: the same grant and token when asked again", async () => {
    const { proxy, url } = await proxied();
    await using one = await instance({ redisUrl: url });
    const claim = claimOf({});
    const lost = proxy.loseReply();
    await expect(one.take(claim)).rejects.toThrow("cut");
    await lost;
    expect(await one.take(claim)).toMatchObject({ status: "granted", grantId: claim.id, token: 1 });
  });

  it("of a release by owner on a client that sends again by itself: reported, and carried out once", async () => {
    const { proxy, url } = await proxied();
    const namespace = newNamespace();
    await using redis = client();
    await using other = await instance({ namespace });
    const handed = new Redis(url);
    handed.on("error", () => {});
    onTestFinished(() => handed.disconnect());
    await using one = await instance({ client: handed, namespace });
    await one.take({ ownerId: "o" });
    const lost = proxy.loseReply();
    const released = one.release({ by: "owner", ownerId: "o", keys: ["a"] });
    await expect(released).rejects.toThrow("cut");
    await lost;
    expect(await other.take({ ownerId: "o" })).toMatchObject({ status: "granted" });
    await expect.poll(() => handed.status).toBe("ready");
    await handed.ping();
    expect(await other.store.inspect(["a"])).toMatchObject([{ holders: [{ ownerId: "o" }] }]);
    expect((await leftBehind(redis, namespace)).filter((name) => name.startsWith("t:"))).toHaveLength(1);
  });
});

describe("the wake-up connection", () => {
  it("comes back by itself when it is cut, and then every waiter is asked for", async () => {
    const { proxy, url } = await proxied();
    const namespace = newNamespace();
    await using other = await instance({ namespace });
    await using one = await instance({ redisUrl: url, namespace });
    const [held, waiter] = [claimOf({}), claimOf({})];
    await other.take(held);
    await one.take(waiter);
    proxy.cut();
    await one.wokenFor("*");
    await other.release(byGrant(held.id));
    await one.handedTo(waiter.id);
  });
});
