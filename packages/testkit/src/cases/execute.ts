import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal, rejection } from "../world/rejection.ts";

export const executeCases: readonly ConformanceCase[] = area("execute", [
  {
    name: "hands on what the job returns, untouched",
    run: async ({ locking }) => {
      const result = { some: "object" };
      assert.equal(await locking.execute("k", async () => await Promise.resolve(result)), result);
      assert.equal(await locking.execute("k", () => result), result);
      assert.equal(await locking.execute("k", () => undefined), undefined);
    },
  },
  {
    name: "hands on what the job throws, untouched",
    run: async ({ locking }) => {
      for (const thrown of [new TypeError("the job's own"), "a string", undefined, null]) {
        const throwing = (): never => {
          throw thrown;
        };
        assert.equal(await rejection(locking.execute("k", throwing)), thrown);
        assert.equal(await rejection(locking.execute("k", async () => await Promise.reject(thrown))), thrown);
      }
    },
  },
  {
    name: "runs the job once",
    rival: true,
    run: async (world) => {
      const holder = await world.hold("k");
      let runs = 0;
      const call = world.rival.execute("k", () => ++runs, { timeout: "5s" });
      await world.untilWaiting("k", 1);
      await holder.free();
      await call;
      await pause(30);
      assert.equal(runs, 1);
    },
  },
  {
    name: "holds the keys while the job runs, and no longer",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.execute(["a", "b"], async (lock) => {
        lock.assertHeld();
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire("a"));
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire("b", { ownerId: "u" }));
      });
      await rival.acquire(["a", "b"]);
    },
  },
  {
    name: "lets go when the job fails",
    rival: true,
    run: async ({ locking, rival }) => {
      await rejection(locking.execute("k", () => Promise.reject(new Error("failed"))));
      await rival.acquire("k");
    },
  },
  {
    name: "waits its turn",
    rival: true,
    run: async ({ locking, rival }) => {
      const seen: string[] = [];
      const job = (name: string) => async (): Promise<void> => {
        seen.push(`${name} begins`);
        await pause(20);
        seen.push(`${name} ends`);
      };
      await Promise.all([
        locking.execute("k", job("one"), { timeout: "5s" }),
        rival.execute("k", job("two"), { timeout: "5s" }),
      ]);
      const [first = ""] = seen;
      const [one, two] = first.startsWith("one") ? ["one", "two"] : ["two", "one"];
      assert.deepEqual(seen, [`${one} begins`, `${one} ends`, `${two} begins`, `${two} ends`]);
    },
  },
  {
    name: "no release(keys) frees its lock, with or without an owner",
    rival: true,
    run: async (world) => {
      const { locking, rival } = world;
      const { lock, free } = await world.hold("k");
      for (const service of [locking, rival]) {
        assert.equal(await service.release("k"), false);
        assert.equal(await service.release("k", { ownerId: "u" }), false);
        await refusal("LOCK_NOT_ACQUIRED", service.acquire("k"));
      }
      lock.assertHeld();
      await free();
    },
  },
  {
    name: "no ownerId matches its lock",
    rival: true,
    run: async (world) => {
      const { lock, free } = await world.hold("k");
      assert.equal(lock.ownerId, null);
      await refusal("LOCK_NOT_ACQUIRED", world.rival.acquire("k", { ownerId: null }));
      await refusal("LOCK_NOT_ACQUIRED", world.rival.acquire("k", { ownerId: "u" }));
      await world.rival.releaseAll({ ownerId: "u" });
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", world.rival.acquire("k"));
      await free();
    },
  },
  {
    name: "two calls in one caller are strangers to one another",
    requires: { limits: true },
    run: async (world) => {
      const one = await world.hold("k", { limit: 2 });
      const two = await world.hold("k", { limit: 2 });
      await refusal(
        "LOCK_TIMEOUT",
        world.locking.execute("k", () => {}, { limit: 2, timeout: "300ms" }),
      );
      await one.free();
      two.lock.assertHeld();
      await two.free();
    },
  },
  {
    name: "holds for as long as the job runs: the lease is renewed in the background",
    rival: true,
    run: async ({ locking, rival }) => {
      const result = await locking.execute(
        "k",
        async (lock) => {
          const end = performance.now() + 2_200;
          while (performance.now() < end) {
            await pause(100);
            lock.assertHeld();
            assert.equal(lock.signal.aborted, false);
            await refusal("LOCK_NOT_ACQUIRED", rival.acquire("k"));
          }
          return "done";
        },
        { expire: "900ms" },
      );
      assert.equal(result, "done");
      await rival.acquire("k");
    },
  },
  {
    name: "holds for as long as the job runs, also when the lock was waited for",
    rival: true,
    run: async (world) => {
      const first = await world.hold("k");
      const second = world.hold("k", { expire: "900ms", timeout: "5s" }, world.rival);
      await world.untilWaiting("k", 1);
      await first.free();
      const { lock, free } = await second;
      await pause(2_000);
      lock.assertHeld();
      await refusal("LOCK_NOT_ACQUIRED", world.locking.acquire("k"));
      await free();
    },
  },
  {
    name: "without expire, or with 0, its lease is 30 s",
    requires: { crashRelease: "lease", inspect: true },
    run: async (world) => {
      for (const expire of [undefined, 0, "0ms"] as const) {
        const { lock, free } = await world.hold("k", { expire });
        const [state] = await world.locking.inspect("k");
        const remaining = state!.holders[0]!.remaining;
        assert.ok(remaining > 25_000 && remaining <= 30_000, `the backend says ${remaining} ms`);
        assert.ok(
          lock.remaining() > 25_000 && lock.remaining() <= 30_000,
          `remaining() is ${lock.remaining()}`,
        );
        await free();
      }
    },
  },
  {
    name: "the job that waited in vain never runs",
    rival: true,
    run: async (world) => {
      const { free } = await world.hold("k");
      let ran = false;
      await refusal(
        "LOCK_TIMEOUT",
        world.rival.execute("k", () => (ran = true), { timeout: "300ms" }),
      );
      await free();
      await pause(50);
      assert.equal(ran, false);
    },
  },
  {
    name: "many calls on keys of their own run side by side",
    run: async ({ locking }) => {
      let inside = 0;
      let most = 0;
      const calls = Array.from({ length: 20 }, async (_, index) => {
        await locking.execute(`k${index}`, async () => {
          most = Math.max(most, ++inside);
          await pause(100);
          inside--;
        });
      });
      await Promise.all(calls);
      assert.ok(most > 1, "one ran after the other");
    },
  },
]);
