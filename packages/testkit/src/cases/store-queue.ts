import { HANDOVER_LEASE, type Claim } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { busy, claimOf, granted, release, renewal, take } from "../world/store-calls.ts";

/** What a store owes to those that wait. */
export const storeQueueCases: readonly ConformanceCase[] = area("store", [
  {
    name: "a claim that waits keeps its place when it is asked again, and is handed what is freed",
    needs: "store",
    requires: { fifo: true },
    run: async (world) => {
      const store = await world.store();
      const holder = await granted(store, claimOf({}));
      const first = claimOf({ wait: true });
      const second = claimOf({ wait: true });
      const queued = await take(store, first);
      assert.equal(queued.status, "queued");
      assert.equal((await take(store, second)).status, "queued");
      assert.deepEqual(
        await take(store, first).then((reply) => reply.status === "queued" && reply.ticket),
        queued.ticket,
      );
      await release(store, { by: "grant", grantId: holder.grantId, keys: ["k"], tombstone: false });
      const handed = await granted(store, first);
      assert.equal(handed.grantId, first.id);
      assert.equal((await take(store, second)).status, "queued");
    },
  },
  {
    name: "who is queued is told when the first lease in its way ends, so that it can look then; who is refused as well",
    needs: "store",
    requires: { fifo: true },
    run: async (world) => {
      const store = await world.store();
      await granted(store, claimOf({ keys: ["a"], ownerId: null, lease: 2_500 }));
      await granted(store, claimOf({ keys: ["b"], ownerId: null, lease: 60_000 }));
      const queued = await take(store, claimOf({ keys: ["b", "a"], wait: true }));
      assert.ok(queued.status === "queued" && queued.checkIn > 500 && queued.checkIn < 3_500);
      const refused = await take(store, claimOf({ keys: ["a"] }));
      assert.ok(refused.status === "busy" && refused.freeIn > 500 && refused.freeIn < 3_500);
    },
  },
  {
    name: "a hand-over that nobody confirms has a short lease, which asking or renewing makes the claim's own",
    needs: "store",
    requires: { fifo: true, inspect: true, scope: "shared" },
    run: async (world) => {
      const store = await world.store();
      const lease = 60_000;
      const remaining = async (key: string): Promise<number> => {
        const [state] = await store.inspect!([key]);
        return Math.min(...state!.holders.map((holder) => holder.remaining));
      };
      const waiters: readonly Partial<Claim>[] = [
        { keys: ["k"] },
        { keys: ["of an owner"], ownerId: "u" },
        { keys: ["one of many", "another"] },
        ...(world.manifest.limits ? [{ keys: ["of several"], limit: 2 }] : []),
      ];
      for (const wanted of waiters) {
        const waiter = claimOf({ ...wanted, wait: true, lease });
        const { keys } = waiter;
        const holder = await granted(store, claimOf({ keys }));
        await take(store, waiter);
        await release(store, { by: "grant", grantId: holder.grantId, keys, tombstone: false });
        const before = await remaining(keys[0]!);
        assert.ok(before <= HANDOVER_LEASE, `${keys[0]} lasts ${before} ms`);
        if (waiter.ownerId === null) assert.equal(await renewal(store, waiter.id, keys, lease), "renewed");
        else assert.equal((await granted(store, waiter)).grantId, waiter.id);
        const after = await remaining(keys[0]!);
        assert.ok(after > HANDOVER_LEASE, `${keys[0]} lasts ${after} ms`);
      }
    },
  },
  {
    name: "a request that comes once more when its grant was confirmed leaves the lease as it is",
    needs: "store",
    requires: { fifo: true, crashRelease: ["lease", "session"] },
    run: async (world) => {
      const store = await world.store();
      for (const ownerId of [null, "u"]) {
        const keys = [`of ${ownerId}`];
        const holder = await granted(store, claimOf({ keys }));
        const waiter = claimOf({ keys, ownerId, wait: true, lease: 60_000 });
        await take(store, waiter);
        await release(store, { by: "grant", grantId: holder.grantId, keys, tombstone: false });
        assert.equal((await granted(store, waiter)).grantId, waiter.id);
        assert.equal(await renewal(store, waiter.id, keys, 10_000), "renewed");
        const { remaining } = await granted(store, waiter);
        assert.ok(remaining <= 10_000, `it has ${remaining} ms again`);
      }
    },
  },
  {
    name: "withdrawing a claim that waits frees its place",
    needs: "store",
    requires: { fifo: true },
    run: async (world) => {
      const store = await world.store();
      await granted(store, claimOf({ keys: ["a"] }));
      const waiter = claimOf({ keys: ["a", "b"], wait: true });
      assert.equal((await take(store, waiter)).status, "queued");
      await busy(store, { keys: ["b"] });
      await release(store, { by: "claim", claimId: waiter.id, keys: waiter.keys, tombstone: true });
      await granted(store, claimOf({ keys: ["b"] }));
    },
  },
]);
