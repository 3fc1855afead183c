import { createLocking, type Locking } from "@lock/core";
import { startProxy } from "@lock/testkit";
import { startRedisSentinel, type RedisNode, type RedisSentinel } from "@lock/testkit/containers";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { eventually } from "./eventually.ts";
import { byGrant, claimOf, instance, journal, newNamespace } from "./instance.ts";

let sentinel: RedisSentinel;
beforeEach(async () => {
  sentinel = await startRedisSentinel({ downAfter: 1_000 });
}, 60_000);
afterEach(() => sentinel?.close(), 30_000);

async function connect(options: Partial<RedisProviderOptions> = {}): Promise<Locking> {
  const provider = redisProvider({ redisOptions: { ...sentinel.options }, ...options });
  const service = await createLocking({ providers: [provider], logger: journal().logger });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

const nodes = (): readonly [master: RedisNode, replica: RedisNode] =>
  sentinel.nodes as unknown as [RedisNode, RedisNode];

describe("behind sentinels", () => {
  it("locks that are held and waited for outlive a failover to a replica that has them, and tokens go on growing", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const kept = await one.acquire("a", { ownerId: "u", expire: 60 });
    const tokens: bigint[] = [];
    let inside = 0;
    const waiting = Array.from({ length: 10 }, (_, n) =>
      (services[n % 2] as Locking).execute(
        "a",
        async ({ fencingToken }) => {
          inside += 1;
          tokens.push(inside === 1 ? fencingToken : -1n);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inside -= 1;
        },
        { timeout: "25s" },
      ),
    );
    await eventually(async () => (await one.inspect("a"))[0]?.waiting).toBe(10);
    const [master, replica] = nodes();
    // What was written before this is with the replica once it answers as far.
    const offset = async (node: RedisNode, name: string): Promise<number> =>
      Number(new RegExp(`${name}:(\\d+)`).exec(await node.command("INFO", "replication"))?.[1]);
    const written = await offset(master, "master_repl_offset");
    await eventually(async () => offset(replica, "slave_repl_offset")).toBeGreaterThanOrEqual(written);
    await master.stop();
    await sentinel.failover();
    await eventually(async () => other.acquire("a").catch((error: { code: string }) => error.code)).toBe(
      "LOCK_NOT_ACQUIRED",
    );
    expect(await other.release("a", { ownerId: "u" })).toBe(true);
    await Promise.all(waiting);
    expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
    expect(tokens[0] as bigint).toBeGreaterThan(kept.fencingToken + 900_000_000n);
  }, 45_000);

  it("a failover that loses a grant breaks exclusion: two hold the key, and the fencing token refuses the first", async () => {
    const namespace = newNamespace();
    const one = await connect({ namespace });
    await one.execute("a", () => {});
    const [master] = nodes();
    // Its clients still reach it; its replica doesn't.
    await master.disconnect();
    const lost = await one.acquire("a", { expire: 60 });
    await sentinel.failover();
    const other = await connect({ namespace });
    const later = await other.acquire("a", { expire: 60 });
    // Nothing told the first: by all that it can know it holds the lock.
    lost.assertHeld();
    later.assertHeld();
    let newest = 0n;
    const write = (token: bigint): boolean => {
      if (token < newest) return false;
      newest = token;
      return true;
    };
    expect(write(later.fencingToken)).toBe(true);
    expect(write(lost.fencingToken)).toBe(false);
  }, 45_000);

  it("with replicas to confirm them, grants that a failover would lose are LOCK_UNAVAILABLE instead", async () => {
    const namespace = newNamespace();
    const replicas = { min: 1, timeout: "300ms" } as const;
    const services = await Promise.all([connect({ namespace, replicas }), connect({ namespace, replicas })]);
    const [one, other] = services;
    const held = await one.acquire(["a", "b"], { ownerId: "u" });
    const waiter = other.execute("a", (lock) => lock.fencingToken);
    await eventually(async () => (await one.inspect("a"))[0]?.waiting).toBe(1);
    await held.release();
    expect(await waiter).toBeGreaterThan(held.fencingToken);

    const [master, replica] = nodes();
    await replica.pause();
    const refusal = { code: "LOCK_UNAVAILABLE", message: expect.stringContaining("replicas") as string };
    await expect(one.acquire("c")).rejects.toMatchObject(refusal);
    await expect(one.execute("d", () => "ran")).rejects.toMatchObject(refusal);
    expect((await one.inspect(["c", "d"])).flatMap(({ holders }) => holders)).toEqual([]);
    await replica.unpause();
    await eventually(async () => master.command("WAIT", "1", "500")).toBe("1");
    const confirmed = await one.acquire("c", { expire: 60 });
    await master.stop();
    await sentinel.failover();
    await eventually(async () => other.acquire("c").catch((error: { code: string }) => error.code)).toBe(
      "LOCK_NOT_ACQUIRED",
    );
    confirmed.assertHeld();
  }, 45_000);

  it("a hand-over is written again by its receiver, and given back where replicas don't confirm it", async () => {
    const namespace = newNamespace();
    const redisOptions = { ...sentinel.options };
    const replicas = { min: 1, timeout: 300 };
    await using holder = await instance({ namespace, redisOptions });
    await using receiver = await instance({ namespace, redisOptions, replicas });
    const [held, waiter] = [claimOf({}), claimOf({})];
    await holder.take(held);
    await receiver.take(waiter);
    const [, replica] = nodes();
    await replica.pause();
    await holder.release(byGrant(held.id));
    // Not trusted as it is: asked for.
    await receiver.wokenFor(waiter.id);
    expect(receiver.handovers).toEqual([]);
    expect(await receiver.take(waiter)).toMatchObject({
      status: "failed",
      error: { code: "LOCK_UNAVAILABLE" },
    });
    expect(await holder.take({ wait: false })).toMatchObject({ status: "granted" });
  }, 45_000);

  it("the wake-up connection comes back when sentinels do, whatever is said of trying them again", async () => {
    const { sentinels, ...others } = sentinel.options;
    const proxy = await startProxy(sentinels[0] as { host: string; port: number });
    onTestFinished(() => proxy.close());
    const redisOptions = { ...others, sentinels: [proxy], sentinelRetryStrategy: () => null };
    await using one = await instance({ redisOptions });
    await proxy.refuse();
    const [master] = nodes();
    await master.command("CLIENT", "KILL", "TYPE", "pubsub");
    await eventually(async () => one.log.join()).toContain("unreachable");
    await proxy.restore();
    await one.wokenFor("*");
  }, 45_000);
});
