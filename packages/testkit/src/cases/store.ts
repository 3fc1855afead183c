import type { Release } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { busy, claimOf, granted, release, renewal, take } from "../world/store-calls.ts";

export const storeCases: readonly ConformanceCase[] = area("store", [
  {
    name: "a claim that is asked again, as after a lost reply, has the same grant and token, and takes nothing twice",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      for (const ownerId of [undefined, null, "u"]) {
        const claim = claimOf({ keys: [`of ${ownerId}`], ...(ownerId !== undefined && { ownerId }) });
        const first = await granted(store, claim);
        const again = await granted(store, claim);
        assert.equal(again.grantId, first.grantId);
        assert.equal(again.token, first.token);
        assert.equal(
          await release(store, { by: "grant", grantId: first.grantId, keys: claim.keys, tombstone: false }),
          true,
        );
        await granted(store, claimOf({ keys: claim.keys }));
      }
    },
  },
  {
    name: "a repeated claim takes one permit",
    needs: "store",
    requires: { limits: true },
    run: async (world) => {
      const store = await world.store();
      const claim = claimOf({ limit: 2 });
      for (let time = 0; time < 3; time++) await granted(store, claim);
      await granted(store, claimOf({ limit: 2 }));
      await busy(store, { limit: 2 });
    },
  },
  {
    name: "a claim that was withdrawn before it arrived takes nothing",
    needs: "store",
    // Within a process nothing overtakes.
    requires: { scope: "shared" },
    run: async (world) => {
      const store = await world.store();
      for (const by of ["claim", "grant"] as const) {
        const claim = claimOf({ wait: true });
        const { id, keys } = claim;
        const withdrawal: Release =
          by === "claim"
            ? { by, claimId: id, keys, tombstone: true }
            : { by, grantId: id, keys, tombstone: true };
        await release(store, withdrawal);
        assert.equal((await take(store, claim)).status, "withdrawn");
      }
      await granted(store, claimOf({}));
    },
  },
  {
    name: "withdrawing a claim frees what it took; a second time there is nothing to free",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      const claim = claimOf({ keys: ["a", "b"], lease: Infinity, ownerId: null });
      await granted(store, claim);
      const withdrawal: Release = { by: "claim", claimId: claim.id, keys: claim.keys, tombstone: false };
      assert.equal(await release(store, withdrawal), true);
      assert.equal(await release(store, withdrawal), false);
      await granted(store, claimOf({ keys: ["b", "a"] }));
    },
  },
  {
    name: "withdrawing a claim frees only what it added: keys that its owner held go back to their grant",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      const earlier = claimOf({ keys: ["a"], ownerId: "u" });
      await granted(store, earlier);
      const both = claimOf({ keys: ["a", "b"], ownerId: "u" });
      assert.equal((await granted(store, both)).grantId, both.id);
      await release(store, { by: "claim", claimId: both.id, keys: both.keys, tombstone: true });
      await busy(store, { keys: ["a"] });
      assert.equal(await renewal(store, earlier.id, ["a"], 30_000), "renewed");
      await granted(store, claimOf({ keys: ["b"] }));
    },
  },
  {
    name: "withdrawing a claim gives back nothing that its owner has let go of since, and that another may hold",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      await granted(store, claimOf({ keys: ["a", "b"], ownerId: "u" }));
      const { id, keys } = claimOf({ keys: ["a", "c"], ownerId: "u" });
      await granted(store, claimOf({ id, keys, ownerId: "u" }));
      assert.equal(await release(store, { by: "owner", ownerId: "u", keys: ["a", "b"] }), true);
      const other = await granted(store, claimOf({ keys: ["a", "b"] }));
      assert.equal(await release(store, { by: "claim", claimId: id, keys, tombstone: false }), true);
      await granted(store, claimOf({ keys: ["c"] }));
      for (const key of ["a", "b"]) await busy(store, { keys: [key] });
      assert.equal(
        await release(store, { by: "grant", grantId: other.grantId, keys: ["a", "b"], tombstone: false }),
        true,
      );
      await granted(store, claimOf({ keys: ["a", "b"] }));
    },
  },
  {
    name: "withdrawing a claim brings back no grant of its owner's that was released since it was taken over",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      const earlier = claimOf({ keys: ["a"], ownerId: "u", lease: Infinity });
      await granted(store, earlier);
      const { id, keys } = claimOf({ keys: ["a", "b"], ownerId: "u" });
      await granted(store, claimOf({ id, keys, ownerId: "u", lease: Infinity }));
      await release(store, { by: "grant", grantId: earlier.id, keys: ["a"], tombstone: false });
      await busy(store, { keys: ["a"] });
      await release(store, { by: "claim", claimId: id, keys, tombstone: false });
      await granted(store, claimOf({ keys: ["b", "a"] }));
    },
  },
  {
    name: "releasing a grant tells whether it was held still, and touches no other",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      const gone = await granted(store, claimOf({}));
      const freeing: Release = { by: "grant", grantId: gone.grantId, keys: ["k"], tombstone: false };
      assert.equal(await release(store, freeing), true);
      const next = await granted(store, claimOf({}));
      assert.equal(await release(store, freeing), false);
      assert.equal(await renewal(store, next.grantId, ["k"], 30_000), "renewed");
    },
  },
  {
    name: "renewing what is not held on all of its keys is lost, and changes nothing",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      assert.equal(await renewal(store, claimOf({}).id, ["k"], 30_000), "lost");
      await granted(store, claimOf({}));
      const part = await granted(store, claimOf({ keys: ["a", "b"], ownerId: "u", lease: 300 }));
      assert.equal(await release(store, { by: "owner", ownerId: "u", keys: ["a"] }), true);
      assert.equal(await renewal(store, part.grantId, ["a", "b"], 60_000), "lost");
      await new Promise((resolve) => setTimeout(resolve, 450));
      await granted(store, claimOf({ keys: ["b"] }));
    },
  },
  {
    name: "renewing what has expired is lost, also where nobody has taken it since",
    needs: "store",
    // Where nothing is ever lost with its process, a job's lock may have no lease.
    requires: { crashRelease: ["lease", "session"] },
    run: async (world) => {
      const store = await world.store();
      for (const keys of [["k"], ["a", "b"]]) {
        const grant = await granted(store, claimOf({ keys, ownerId: null, lease: 200 }));
        await new Promise((resolve) => setTimeout(resolve, 350));
        assert.equal(await renewal(store, grant.grantId, keys, 30_000), "lost");
        await granted(store, claimOf({ keys }));
      }
    },
  },
  {
    name: "several requests in one call are answered in their order, and the refusal of one touches no other",
    needs: "store",
    run: async (world) => {
      const store = await world.store();
      const size = Math.min(40, store.batch ?? 100);
      const claims = Array.from({ length: size }, (_, index) =>
        claimOf({ keys: [`k${index - (index % 2)}`] }),
      );
      const statuses = (await store.take(claims)).map((reply) => reply.status);
      assert.deepEqual(
        statuses,
        claims.map((_, index) => (index % 2 === 0 ? "granted" : "busy")),
      );
      const renewals = claims.map(({ id, keys }) => ({ grantId: id, keys, lease: 20_000 }));
      const renewed = (await store.renew(renewals)).map((reply) => reply.status);
      assert.deepEqual(
        renewed,
        claims.map((_, index) => (index % 2 === 0 ? "renewed" : "lost")),
      );
      const releases = claims.map(
        ({ id, keys }) => ({ by: "grant", grantId: id, keys, tombstone: false }) as const,
      );
      const freed = (await store.release(releases)).map(
        (reply) => reply.status === "released" && reply.freed,
      );
      assert.deepEqual(
        freed,
        claims.map((_, index) => index % 2 === 0),
      );
    },
  },
]);
