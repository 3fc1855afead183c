import type { Lock } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { lockError, rejection } from "../world/rejection.ts";

/** Fails unless each is greater than the one before. */
function assertIncreasing(tokens: readonly bigint[]): void {
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    assert.equal(typeof token, "bigint");
    assert.ok(before === undefined || token > before, `token ${token} came after ${before}`);
  });
}

export const fencingCases: readonly ConformanceCase[] = area("fencing", [
  {
    name: "is LOCK_UNSUPPORTED where the manifest does not offer it",
    requires: { fencing: false },
    run: async ({ locking }) => {
      const lock = await locking.acquire("k");
      const reading = async (held: Lock): Promise<bigint> =>
        await Promise.resolve(held).then((one) => one.fencingToken);
      lockError("LOCK_UNSUPPORTED", await rejection(reading(lock)));
      lockError("LOCK_UNSUPPORTED", await rejection(locking.execute("j", reading)));
    },
  },
  {
    name: "each grant's token is strictly greater than that of every earlier grant of the key",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const tokens: bigint[] = [];
      for (let time = 0; time < 4; time++) {
        for (const service of [locking, rival]) {
          const lock = await service.acquire("k", time % 2 === 0 ? {} : { ownerId: "u", expire: 60 });
          tokens.push(lock.fencingToken);
          await lock.release();
          tokens.push(await service.execute("k", (held) => held.fencingToken));
        }
      }
      assertIncreasing(tokens);
    },
  },
  {
    name: "across expiry",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const tokens: bigint[] = [];
      for (const service of [locking, rival, locking]) {
        tokens.push((await service.acquire("k", { expire: "60ms" })).fencingToken);
        await pause(160);
      }
      assertIncreasing(tokens);
    },
  },
  {
    name: "across release, by whatever means",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const tokens: bigint[] = [];
      for (const free of [
        async () => await rival.release("k", { ownerId: "u" }),
        async () => await rival.releaseAll({ ownerId: "u" }),
        async () => await rival.releaseAll(),
      ]) {
        tokens.push((await locking.acquire("k", { ownerId: "u" })).fencingToken);
        await free();
      }
      tokens.push((await rival.acquire("k")).fencingToken);
      assertIncreasing(tokens);
    },
  },
  {
    name: "across services that come and go",
    requires: { fencing: true, scope: "shared" },
    run: async ({ connect }) => {
      const tokens: bigint[] = [];
      for (let time = 0; time < 3; time++) {
        const service = await connect();
        tokens.push(await service.execute("k", (lock) => lock.fencingToken));
        await service.close();
      }
      assertIncreasing(tokens);
    },
  },
  {
    name: "of many keys, the token is greater than that of every earlier grant of any of them",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const token = async (keys: readonly string[], service = locking): Promise<bigint> =>
        await service.execute(keys, (lock) => lock.fencingToken);
      let a = 0n;
      for (let time = 0; time < 5; time++) a = await token(["a"]);
      const b = await token(["b"], rival);
      const both = await token(["b", "a"], rival);
      assert.ok(both > a && both > b, `${both} after ${a} and ${b}`);
      const aAgain = await token(["a"]);
      const bAgain = await token(["b"], rival);
      assert.ok(aAgain > both && bAgain > both, `${aAgain} and ${bAgain} after ${both}`);
    },
  },
  {
    name: "each of those that hold a key together has a token of its own, greater than those before",
    requires: { fencing: true, limits: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const tokens: bigint[] = [];
      for (const service of [locking, rival, locking]) {
        tokens.push((await service.acquire("k", { limit: Infinity })).fencingToken);
      }
      assertIncreasing(tokens);
    },
  },
  {
    name: "a waiter's token is greater than that of the one it waited for",
    requires: { fencing: true },
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      const tokens = [holder.lock.fencingToken];
      const calls = [];
      for (let turn = 0; turn < 6; turn++) {
        const service = turn % 2 === 0 ? world.rival : world.locking;
        calls.push(service.execute("k", (lock) => void tokens.push(lock.fencingToken), { timeout: "5s" }));
      }
      await world.untilWaiting("k", 6);
      await holder.free();
      await Promise.all(calls);
      assert.equal(tokens.length, 7);
      assertIncreasing(tokens);
    },
  },
  {
    name: "of two hundred grants to callers at once no token is given twice",
    requires: { fencing: true },
    rival: true,
    run: async ({ locking, rival }) => {
      const byKey = new Map<string, bigint[]>();
      const calls = Array.from({ length: 200 }, async (_, index) => {
        const key = `k${index % 5}`;
        await (index % 2 === 0 ? locking : rival).execute(
          key,
          (lock) => byKey.set(key, [...(byKey.get(key) ?? []), lock.fencingToken]),
          { timeout: "8s" },
        );
      });
      await Promise.all(calls);
      // In the order in which the jobs ran.
      for (const tokens of byKey.values()) assertIncreasing(tokens);
    },
  },
  {
    name: "renewing keeps it: by extend(), and under a running job",
    requires: { fencing: true },
    run: async ({ locking, manifest }) => {
      const lock = await locking.acquire("a", { expire: 30 });
      const token = lock.fencingToken;
      await lock.extend(60);
      assert.equal(lock.fencingToken, token);
      await locking.execute(
        "b",
        async (held) => {
          const before = held.fencingToken;
          await pause(1_300);
          assert.equal(held.fencingToken, before);
          if (!manifest.inspect) return;
          const [a, b] = await locking.inspect(["a", "b"]);
          assert.equal(a?.holders[0]?.fencingToken, token);
          assert.ok([before, null].includes(b!.holders[0]!.fencingToken));
        },
        { expire: "900ms" },
      );
    },
  },
]);
