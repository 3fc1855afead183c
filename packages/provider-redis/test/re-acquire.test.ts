import { describe, expect, it } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { byClaim, byGrant, claimOf, client, instance, type Instance, newNamespace } from "./instance.ts";

async function holders(one: Instance, keys: readonly string[]): Promise<unknown[]> {
  const states = await one.store.inspect(keys);
  return states.map(({ holders }) =>
    holders.map(({ ownerId, fencingToken }) => [ownerId, Number(fencingToken)]),
  );
}

for (const limit of [1, 3]) {
  describe(`re-acquiring with limit ${limit}`, () => {
    it("what one grant holds is granted in place, with the expiry anew or kept", async () => {
      await using one = await instance();
      const first = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
      const granted = await one.take(first);
      const again = claimOf({ ...first, id: "again", lease: 5_000 });
      expect(await one.take(again)).toMatchObject({ ...granted, remaining: 5_000 });
      const kept = await one.take({ ...again, id: "kept", lease: Infinity, keepLease: true });
      expect(kept).toMatchObject({ grantId: first.id });
      expect((kept as { remaining: number }).remaining).toBeLessThanOrEqual(5_000);
      const endless = await one.take({ ...again, id: "endless", lease: Infinity });
      expect(endless).toMatchObject({ grantId: first.id, remaining: Infinity });
    });

    it("what a withdrawn claim gives back is there for the next request of the same call", async () => {
      await using one = await instance();
      const first = claimOf({ keys: ["a"], ownerId: "o", limit });
      const whole = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
      await one.take(first);
      await one.take(whole);
      const replies = await one.store.release([byClaim(whole.id, whole.keys), byGrant(first.id)]);
      expect(replies).toEqual([
        { status: "released", freed: true },
        { status: "released", freed: true },
      ]);
      expect(await holders(one, ["a", "b"])).toEqual([[], []]);
    });

    it("a release that comes twice in one call frees once", async () => {
      await using one = await instance();
      const first = claimOf({ keys: ["a"], limit });
      await one.store.take([first, claimOf({ keys: ["a"], limit })]);
      expect(await one.store.release([byGrant(first.id), byGrant(first.id)])).toEqual([
        { status: "released", freed: true },
        { status: "released", freed: false },
      ]);
    });

    it("nor does one where nobody waits, by whatever it is released", async () => {
      await using one = await instance();
      const [owned, stranger] = [
        claimOf({ keys: ["a", "b"], ownerId: "o", limit }),
        claimOf({ keys: ["c"], ownerId: null, limit }),
      ];
      for (const [claim, release] of [
        [owned, byGrant(owned.id, owned.keys)],
        [owned, { by: "owner", ownerId: "o", keys: ["a"] }],
        [stranger, { by: "owner", ownerId: null, keys: ["c"] }],
      ] as const) {
        await one.take(claim);
        expect(await one.store.release([release, release])).toEqual([
          { status: "released", freed: true },
          { status: "released", freed: false },
        ]);
        await one.store.releaseAll(null);
      }
    });

    it("a part of it becomes part of a new grant, and comes back when that is withdrawn", async () => {
      await using one = await instance();
      const first = claimOf({ keys: ["a"], ownerId: "o", limit, lease: 20_000 });
      await one.take(first);
      const whole = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
      expect(await one.take(whole)).toMatchObject({ status: "granted", grantId: whole.id, token: 2 });
      expect(await one.store.renew([{ grantId: first.id, keys: ["a"], lease: 1_000 }])).toEqual([
        { status: "lost" },
      ]);
      expect(await holders(one, ["a", "b"])).toEqual([[["o", 2]], [["o", 2]]]);
      expect(await one.release(byClaim(whole.id, whole.keys))).toEqual({ status: "released", freed: true });
      expect(await holders(one, ["a", "b"])).toEqual([[["o", 1]], []]);
      expect(await one.release(byGrant(first.id))).toEqual({ status: "released", freed: true });
    });

    it("what comes back is the newest that was not released or withdrawn meanwhile, and still lasts", async () => {
      await using one = await instance();
      const [first, second, third] = [["a"], ["a", "b"], ["a", "b", "c"]].map((keys) =>
        claimOf({ keys, ownerId: "o", limit }),
      ) as [ReturnType<typeof claimOf>, ReturnType<typeof claimOf>, ReturnType<typeof claimOf>];
      await one.take(first);
      await one.take(second);
      await one.take(third);
      await one.release(byClaim(second.id, second.keys));
      await one.release(byClaim(third.id, third.keys));
      expect(await holders(one, ["a", "b", "c"])).toEqual([[["o", 1]], [], []]);
      const fourth = claimOf({ keys: ["a", "d"], ownerId: "o", limit });
      await one.take(fourth);
      expect(await one.release(byGrant(first.id))).toEqual({ status: "released", freed: false });
      await one.release(byClaim(fourth.id, fourth.keys));
      expect(await holders(one, ["a", "d"])).toEqual([[], []]);
    });

    it("what comes back is remembered of the latest claims only, so that a lock that goes on growing takes no more space", async () => {
      const namespace = newNamespace();
      await using redis = client();
      await using one = await instance({ namespace });
      const { base } = new KeyLayout(namespace);
      const remembered = async (): Promise<number> =>
        limit === 1 ? redis.strlen(`${base}h:a`) : redis.hlen(`${base}s:a`);
      const grow = async (): Promise<void> => {
        for (let n = 0; n < 40; n += 1) {
          await one.take({ keys: ["a", `b${n}`], ownerId: "o", lease: Infinity, limit });
          await one.release({ by: "owner", ownerId: "o", keys: [`b${n}`] });
        }
      };
      await grow();
      const before = await remembered();
      await grow();
      // Tokens have more digits meanwhile.
      expect(await remembered()).toBeLessThan(before * 1.2);
    });

    it("waits only for what it lacks, and is granted all as one", async () => {
      await using one = await instance();
      const [had, other] = [claimOf({ keys: ["a"], ownerId: "o", limit }), claimOf({ keys: ["b"] })];
      const whole = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
      const replies = await one.store.take([had, other, whole]);
      expect(replies[2]).toMatchObject({ status: "queued" });
      expect(await one.store.inspect(["a", "b"])).toMatchObject([{ waiting: 0 }, { waiting: 1 }]);
      await one.release(byGrant(other.id, ["b"]));
      const { token } = await one.handedTo(whole.id);
      expect(await holders(one, ["a", "b"])).toEqual([[["o", token]], [["o", token]]]);
    });

    it("stands in the queue of a key again that its owner lost meanwhile", async () => {
      await using one = await instance();
      const [had, other] = [claimOf({ keys: ["a"], ownerId: "o", limit }), claimOf({ keys: ["b"] })];
      const whole = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
      await one.store.take([had, other, whole]);
      await one.release({ by: "owner", ownerId: "o", keys: ["a"] });
      expect(await one.take({ keys: ["a"], limit, wait: false })).toMatchObject({
        status: "busy",
        ownerId: "o",
      });
      expect(await one.store.inspect(["a"])).toMatchObject([{ waiting: 1 }]);
      await one.release(byGrant(other.id, ["b"]));
      await one.handedTo(whole.id);
    });

    it("a second waiter of the owner that has its turn is told to ask, and granted in place", async () => {
      await using one = await instance();
      const other = claimOf({ keys: ["a"] });
      const [first, second] = [claimOf({ ownerId: "o", limit }), claimOf({ ownerId: "o", limit })];
      await one.store.take([other, first, second]);
      await one.release(byGrant(other.id));
      const { token } = await one.handedTo(first.id);
      await one.wokenFor(second.id);
      expect(await one.take(second)).toMatchObject({ status: "granted", grantId: first.id, token });
    });

    it("the owner's waiters are told once, also those of others, behind others, and among many", async () => {
      const namespace = newNamespace();
      await using one = await instance({ namespace });
      await using two = await instance({ namespace });
      const other = claimOf({ keys: ["a"] });
      const own = { ownerId: "o", limit };
      const [first, second, last, distant] = [claimOf(own), claimOf(own), claimOf(own), claimOf(own)];
      const strangers = Array.from({ length: 40 }, () => claimOf({ ownerId: "other than o" }));
      const more = claimOf({ ...own, keys: ["a", "b"] });
      await one.store.take([other, claimOf({ keys: ["b"] }), first, second, ...strangers, more, last]);
      await two.take(distant);
      await one.release(byGrant(other.id));
      await one.handedTo(first.id);
      await Promise.all([one.wokenFor(last.id), two.wokenFor(distant.id)]);
      expect(one.woken).toEqual([second.id, last.id]);
      expect(two.woken).toEqual([distant.id]);
    });

    it("such a waiter's expiry is what it asked for, or is left as it is", async () => {
      for (const [keepLease, lease, most] of [
        [false, 20_000, 20_000],
        [true, Infinity, 30_000],
      ] as const) {
        await using one = await instance();
        const other = claimOf({ keys: ["a"] });
        const [first, second] = [
          claimOf({ ownerId: "o", limit }),
          claimOf({ ownerId: "o", limit, lease, keepLease }),
        ];
        for (const claim of [other, first, second]) await one.take(claim);
        await one.release(byGrant(other.id));
        await one.handedTo(first.id);
        await one.take(first);
        const { remaining } = (await one.take(second)) as { remaining: number };
        expect(remaining).toBeGreaterThan(most - 5_000);
        expect(remaining).toBeLessThanOrEqual(most);
      }
    });
  });
}

describe("who stands behind a waiter whose owner holds the key is in turn", () => {
  const limit = 2;

  it("where that waiter is told to ask", async () => {
    await using one = await instance();
    const other = claimOf({ keys: ["a"] });
    const [first, again] = [claimOf({ ownerId: "o", limit }), claimOf({ ownerId: "o", limit })];
    const behind = claimOf({ limit });
    await one.store.take([other, first, again, behind]);
    await one.release(byGrant(other.id));
    const { token } = await one.handedTo(first.id);
    expect(await holders(one, ["a"])).toEqual([
      expect.arrayContaining([
        ["o", token],
        [null, expect.any(Number)],
      ]),
    ]);
    await one.handedTo(behind.id);
  });

  it("where that waiter waits for another of its keys", async () => {
    await using one = await instance();
    const [mine, theirs] = [claimOf({ keys: ["a"], ownerId: "o", limit }), claimOf({ limit })];
    const other = claimOf({ keys: ["b"] });
    const whole = claimOf({ keys: ["a", "b"], ownerId: "o", limit });
    const behind = claimOf({ limit });
    await one.store.take([mine, theirs, other, whole, behind]);
    await one.release(byGrant(theirs.id));
    expect((await holders(one, ["a"]))[0]).toHaveLength(2);
    await one.handedTo(behind.id);
  });
});

it("who is refused is told whose one of its keys is", async () => {
  await using one = await instance();
  await one.take({ keys: ["b"], ownerId: "o" });
  expect(await one.take({ keys: ["a", "b"], wait: false })).toMatchObject({ status: "busy", ownerId: "o" });
});

it("held with another limit it is refused", async () => {
  await using one = await instance();
  await one.take({ ownerId: "o", limit: 3 });
  expect(await one.take({ ownerId: "o", limit: 1, wait: false })).toMatchObject({ status: "busy" });
  expect(await one.take({ ownerId: "o", limit: 2, wait: false })).toMatchObject({ status: "busy" });
});

it("a lock of execute is never re-acquired, and strangers are strangers to each other", async () => {
  await using one = await instance();
  await one.take({});
  expect(await one.take({ wait: false })).toMatchObject({ status: "busy", ownerId: null });
  expect(await one.take({ kind: "acquire", wait: false })).toMatchObject({ status: "busy" });
});

it("a claim that lost a part of its grant takes it anew, with a greater token", async () => {
  await using one = await instance();
  const claim = claimOf({ keys: ["a", "b"], ownerId: "o" });
  await one.take(claim);
  await one.release({ by: "owner", ownerId: "o", keys: ["b"] });
  expect(await one.take(claim)).toMatchObject({ status: "granted", grantId: claim.id, token: 2 });
  await one.release(byClaim(claim.id, claim.keys));
  expect(await holders(one, ["a", "b"])).toEqual([[], []]);
});
