import type { Locking } from "@lock/core";
import { expect, it } from "vitest";
import { deferred } from "./deferred.ts";
import { claimOf, newNamespace, redisUrl } from "./instance.ts";
import { connect, waitingFor } from "./one-key.ts";
import { granted, scripted } from "./scripted-server.ts";

/** Those who wait for "a" behind a job that ends when they do, in the order in which they got it. */
function queue(service: Locking) {
  const order: string[] = [];
  const held = deferred();
  const jobs: Promise<unknown>[] = [service.execute("a", () => held.promise)];
  return {
    execute(name: string): void {
      jobs.push(service.execute("a", () => void order.push(name), { timeout: "20s" }));
    },
    async acquire(name: string): Promise<void> {
      const got = service.acquire("a", { awaitQueue: true, timeout: "20s", expire: "30s" });
      jobs.push(got);
      await using _ = await got;
      order.push(name);
    },
    async served(): Promise<string[]> {
      await waitingFor(service, jobs.length - 1);
      held.resolve();
      await Promise.all(jobs);
      return order;
    },
  };
}

it("a claim that does not wait in the process keeps its place among those that do, asked for in one tick", async () => {
  const waiting = queue(await connect({ redisUrl, namespace: newNamespace() }));
  waiting.execute("1");
  const acquired = waiting.acquire("2");
  waiting.execute("3");
  expect(await waiting.served()).toEqual(["1", "2", "3"]);
  await acquired;
});

it("those who wait in the process keep their order around it, also where another has the lock", async () => {
  const namespace = newNamespace();
  const [here, there] = [await connect({ redisUrl, namespace }), await connect({ redisUrl, namespace })];
  const lock = await there.acquire("a");
  const waiting = queue(here);
  waiting.execute("1");
  const acquired = waiting.acquire("2");
  waiting.execute("3");
  await waitingFor(here, 4);
  await lock.release();
  const order = await waiting.served();
  expect(order.indexOf("1")).toBeLessThan(order.indexOf("3"));
  await acquired;
});

it("it keeps its place also where they come while the lock is held", async () => {
  const service = await connect({ redisUrl, namespace: newNamespace() });
  const waiting = queue(service);
  waiting.execute("1");
  await waitingFor(service, 1);
  waiting.execute("2");
  const acquired = waiting.acquire("3");
  waiting.execute("4");
  expect(await waiting.served()).toEqual(["1", "2", "3", "4"]);
  await acquired;
});

it("who comes after one with another lease waits behind it at the server", async () => {
  const { take, asked, words } = scripted();
  const [holder, local, other, last] = [claimOf({}), claimOf({}), claimOf({ lease: 9_000 }), claimOf({})];
  void take(holder);
  void take(local);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  void take(other);
  await turn();
  void take(last);
  await turn();
  expect(asked.slice(1).map(({ claims }) => claims)).toEqual([[other], [last]]);
});
