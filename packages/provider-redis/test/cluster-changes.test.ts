import { isLockError, type Locking } from "@lock/core";
import { describe, expect, it } from "vitest";
import { eventually } from "./eventually.ts";
import { instance, newNamespace } from "./instance.ts";
import { restricted } from "./rights.ts";
import {
  apart,
  cluster,
  connect,
  counted,
  redisCluster,
  restrict,
  runCluster,
  slotOfKey,
  slowMove,
} from "./running-cluster.ts";

runCluster();

describe("a slot that moves to another node", () => {
  it("takes the locks with it: those held stay held, those waited for pass on, alone and with others", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key, elsewhere] = apart(2) as [string, string];
    const slot = await slotOfKey(key);
    const { job, broken } = counted();
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const waiting = Array.from({ length: 20 }, (_, n) =>
      (services[n % 2] as Locking).execute(n % 5 === 0 ? [key, elsewhere] : key, job, { timeout: "18s" }),
    );
    await eventually(async () => (await one.inspect(key))[0]?.waiting).toBeGreaterThanOrEqual(16);
    const masters = await cluster().masters();
    const from = await cluster().masterOf(slot);
    await cluster().moveSlot(slot, masters.find((node) => node !== from) as (typeof masters)[number]);
    expect(kept.remaining()).toBeGreaterThan(0);
    await expect(other.acquire(key, { ownerId: "v" })).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    expect(await other.release(key, { ownerId: "u" })).toBe(true);
    // And back, while they go on.
    await cluster().moveSlot(slot, from);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    expect((await one.inspect(key))[0]).toMatchObject({ holders: [], waiting: 0 });
  });

  it("is asked for at the other node meanwhile, where all of a request's keys have gone: it is carried out when the slot has", async () => {
    const namespace = newNamespace();
    const service = await connect({ namespace });
    await using one = await instance({ namespace, redisCluster: redisCluster() });
    const [key] = apart(1) as [string];
    const { begin, end, back } = await slowMove(await slotOfKey(key));
    await begin();
    // Of this bucket there is no counter yet, nor anything else that the request names: both nodes are asked, and the new one says
    // each time that it is too early. Who may not ask it goes to and fro without a pause.
    const before = performance.now();
    await expect(one.take({ keys: [key], wait: false })).rejects.toThrow("redirections");
    expect(performance.now() - before).toBeGreaterThan(500);
    const call = service.execute(key, () => "ran", { timeout: "18s" });
    await end();
    expect(await call).toBe("ran");
    await back();
  });

  it("ends no process whose user may not ask there: its calls are LOCK_UNAVAILABLE until the slot has moved", async () => {
    const service = await connect();
    const [key] = apart(1) as [string];
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    const { begin, end, back } = await slowMove(await slotOfKey(key));
    const mayAsk = async (right: string): Promise<unknown> =>
      Promise.all(cluster().nodes.map((node) => node.command("ACL", "SETUSER", restricted.username, right)));
    await mayAsk("-asking");
    try {
      await begin();
      await expect(service.execute(key, () => {}, { timeout: "1s" })).rejects.toMatchObject({
        code: "LOCK_UNAVAILABLE",
      });
      await end();
      expect(await service.execute(key, () => "ran", { timeout: "18s" })).toBe("ran");
      await back();
      expect(unhandled).toEqual([]);
    } finally {
      await mayAsk("+asking");
      process.off("unhandledRejection", note);
    }
  });

  it("is listened to where it is then: a release wakes the next at once", async () => {
    const namespace = newNamespace();
    const [one, other] = [await connect({ namespace }), await connect({ namespace })];
    const [key] = apart(1) as [string];
    const slot = await slotOfKey(key);
    const masters = await cluster().masters();
    const from = await cluster().masterOf(slot);
    await cluster().moveSlot(slot, masters.find((node) => node !== from) as (typeof masters)[number]);
    await one.execute(key, () => {});
    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const held = await one.acquire(key);
      const waiter = other.execute(key, () => performance.now());
      await eventually(async () => (await one.inspect(key))[0]?.waiting).toBe(1);
      const freed = performance.now();
      await held.release();
      waits.push((await waiter) - freed);
    }
    await cluster().moveSlot(slot, from);
    // The first may fall into the time in which the new node is subscribed to.
    expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(200);
  });
});

describe("a failover", () => {
  it("that is agreed on loses nothing, and tokens go on growing", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key] = apart(1) as [string];
    const { job, broken } = counted();
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const waiting = Array.from({ length: 10 }, (_, n) =>
      (services[n % 2] as Locking).execute(key, job, { timeout: "18s" }),
    );
    await eventually(async () => (await one.inspect(key))[0]?.waiting).toBe(10);
    await cluster().failover(await cluster().masterOf(await slotOfKey(key)));
    await expect(other.acquire(key, { ownerId: "v" })).rejects.toMatchObject({ code: "LOCK_NOT_ACQUIRED" });
    expect(await other.release(key, { ownerId: "u" })).toBe(true);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    const after = await one.acquire(key);
    // Far ahead of whatever the old master may have given out and not replicated.
    expect(after.fencingToken - kept.fencingToken).toBeGreaterThan(900_000_000n);
  });

  it("after a master died keeps what was replicated; meanwhile calls fail as LOCK_UNAVAILABLE and nothing else", async () => {
    const namespace = newNamespace();
    const services = await Promise.all([connect({ namespace }), connect({ namespace })]);
    const [one, other] = services;
    const [key] = apart(1) as [string];
    const kept = await one.acquire(key, { ownerId: "u", expire: 60 });
    const { job, broken } = counted();
    const waiting = Array.from({ length: 10 }, (_, n) =>
      (services[n % 2] as Locking).execute(key, job, { timeout: "18s" }),
    );
    await eventually(async () => (await one.inspect(key))[0]?.waiting).toBe(10);
    const dead = await cluster().masterOf(await slotOfKey(key));
    await dead.command("WAIT", "1", "1000");
    await dead.stop();
    const failing = other.acquire(key, { ownerId: "v" }).catch((error: unknown) => error);
    await cluster().failover(dead);
    const failure = await failing;
    expect(isLockError(failure) && failure.code).toMatch(/^LOCK_(UNAVAILABLE|NOT_ACQUIRED)$/);
    await eventually(async () =>
      one.release(key, { ownerId: "u" }).catch((error: { code: string }) => error.code),
    ).toBe(true);
    await Promise.all(waiting);
    expect(broken).toEqual([]);
    expect((await one.acquire(key)).fencingToken).toBeGreaterThan(kept.fencingToken);
    await dead.start();
    await restrict([dead]);
  }, 45_000);
});

describe("a master that is restarted with older data before a replica takes over", () => {
  it("gives tokens far ahead of all that it gave, also to who was connected and knows none of them", async () => {
    const namespace = newNamespace();
    const [one, other] = [await connect({ namespace }), await connect({ namespace })];
    const [key] = apart(1) as [string];
    const slot = await slotOfKey(key);
    const master = await cluster().masterOf(slot);
    const replicas = await cluster().replicasOf(master);
    const forbidTakeOver = async (no: "yes" | "no"): Promise<unknown> =>
      Promise.all(replicas.map((node) => node.command("CONFIG", "SET", "cluster-replica-no-failover", no)));
    await forbidTakeOver("yes");
    await one.execute(key, () => {});
    await master.command("SAVE");
    const last = await one.execute(key, (lock) => lock.fencingToken);
    await one.close();
    await master.stop();
    await master.start();
    await restrict([master]);
    await eventually(async () =>
      other.execute(key, (lock) => lock.fencingToken).catch(() => 0n),
    ).toBeGreaterThan(last + 900_000_000n);
    expect(await cluster().masterOf(slot)).toBe(master);
    await forbidTakeOver("no");
  }, 45_000);
});
