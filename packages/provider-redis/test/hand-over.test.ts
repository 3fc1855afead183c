import { HANDOVER_LEASE, PLACE_LIFETIME } from "@lock/core";
import { describe, expect, it } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { byClaim, byGrant, claimOf, client, instance, newNamespace } from "./instance.ts";

/** What is published in a namespace. */
async function published(namespace: string): Promise<{ all(): Promise<string[]> } & AsyncDisposable> {
  const [listener, speaker] = [client(), client()];
  const heard: string[] = [];
  await listener.psubscribe(`${namespace}*`);
  let ended = (): void => {};
  listener.on("pmessage", (_pattern: string, channel: string, message: string) => {
    if (channel.endsWith("end")) ended();
    // An empty one only tries whether it may be sent.
    else if (message !== "") heard.push(message);
  });
  return {
    all: async () => {
      const end = new Promise<void>((resolve) => {
        ended = resolve;
      });
      await speaker.publish(`${namespace}end`, "");
      await end;
      return heard;
    },
    [Symbol.asyncDispose]: async () => {
      listener.disconnect();
      speaker.disconnect();
    },
  };
}

describe("hand-over", () => {
  it("grants to the first waiter in the release itself, and tells its process alone", async () => {
    const namespace = newNamespace();
    await using channel = await published(namespace);
    await using holder = await instance({ namespace });
    await using first = await instance({ namespace });
    await using second = await instance({ namespace });
    const held = claimOf({});
    await holder.take(held);
    const [one, two] = [claimOf({}), claimOf({})];
    const queued = await first.take(one);
    await second.take(two);
    await holder.release(byGrant(held.id));
    const handover = await first.handedTo(one.id);
    expect(handover).toMatchObject({ remaining: HANDOVER_LEASE, provisional: true });
    expect(queued).toMatchObject({ status: "queued", ticket: handover.ticket });
    expect(await first.store.inspect(["a"])).toMatchObject([
      { waiting: 1, holders: [{ fencingToken: BigInt(handover.token as number) }] },
    ]);
    expect(await channel.all()).toHaveLength(1);
    expect([holder.handovers, second.handovers]).toEqual([[], []]);
  });

  it("hands on the key that is freed, and none that its name ends with", async () => {
    await using one = await instance();
    const [held, other] = [claimOf({ keys: ["ka"] }), claimOf({ keys: ["a"] })];
    const [first, second] = [claimOf({ keys: ["ka"] }), claimOf({ keys: ["a"] })];
    await one.store.take([held, other, first, second]);
    await one.release(byGrant(held.id, ["ka"]));
    expect(await one.store.inspect(["ka", "a"])).toMatchObject([
      { waiting: 0, holders: [{}] },
      { waiting: 1, holders: [{}] },
    ]);
    await one.handedTo(first.id);
  });

  it("gives the whole lease once the waiter confirms by asking, with the same token", async () => {
    await using one = await instance();
    const [held, next] = [claimOf({}), claimOf({})];
    await one.store.take([held, next]);
    await one.release(byGrant(held.id));
    const { token } = await one.handedTo(next.id);
    const confirmed = await one.take(next);
    expect(confirmed).toEqual({ status: "granted", grantId: next.id, token, remaining: 30_000 });
    expect(await one.take(next)).toMatchObject({ grantId: next.id, token });
  });

  it("gives the lease asked for once the waiter confirms by renewing", async () => {
    await using one = await instance();
    const [held, next] = [claimOf({}), claimOf({})];
    await one.store.take([held, next]);
    await one.release(byGrant(held.id));
    await one.handedTo(next.id);
    const renewals = [{ grantId: next.id, keys: ["a"], lease: 40_000 }];
    expect(await one.store.renew(renewals)).toEqual([{ status: "renewed", remaining: 40_000 }]);
    const [state] = await one.store.inspect(["a"]);
    expect(state?.holders[0]?.remaining).toBeGreaterThan(39_000);
  });

  it("publishes nothing where nobody waits", async () => {
    const namespace = newNamespace();
    await using channel = await published(namespace);
    await using one = await instance({ namespace });
    for (const options of [{}, { ownerId: "o" }, { limit: 2 }]) {
      const claim = claimOf(options);
      await one.take(claim);
      await one.release(byGrant(claim.id));
    }
    expect(await channel.all()).toEqual([]);
  });

  it("tells a process of all its grants of one release in one message", async () => {
    const namespace = newNamespace();
    await using channel = await published(namespace);
    await using one = await instance({ namespace });
    const writer = claimOf({});
    const readers = Array.from({ length: 5 }, () => claimOf({ limit: Infinity }));
    await one.store.take([writer, ...readers]);
    await one.release(byGrant(writer.id));
    await Promise.all(readers.map(({ id }) => one.handedTo(id)));
    expect(await channel.all()).toHaveLength(1);
  });

  it("lets in hundreds of readers in portions, each setting off the next", async () => {
    await using one = await instance();
    const writer = claimOf({});
    await one.take(writer);
    const readers = Array.from({ length: 250 }, () => claimOf({ limit: Infinity }));
    for (let from = 0; from < readers.length; from += 50)
      await one.store.take(readers.slice(from, from + 50));
    await one.release(byGrant(writer.id));
    // A hundred are handed to; the next is told to ask, and sets off a hundred more behind it.
    for (const next of [100, 201]) {
      await one.wokenFor(readers[next]?.id as string);
      await one.take(readers[next] as (typeof readers)[number]);
    }
    await one.handedTo(readers.at(-1)?.id as string);
    const [state] = await one.store.inspect(["a"]);
    expect(state).toMatchObject({ waiting: 0 });
    expect(state?.holders).toHaveLength(250);
  });

  it("passes on at a withdrawal, and where a late grant is given back", async () => {
    await using one = await instance();
    const [held, leaving, last] = [
      claimOf({ keys: ["a"] }),
      claimOf({ keys: ["a", "b"] }),
      claimOf({ keys: ["b"] }),
    ];
    await one.store.take([held, leaving, last]);
    await one.release(byClaim(leaving.id, leaving.keys));
    expect(await one.handedTo(last.id)).toMatchObject({ provisional: true });
    const next = claimOf({ keys: ["b"] });
    await one.take(next);
    await one.release(byClaim(last.id, last.keys));
    await one.handedTo(next.id);
  });

  it("passes on at releaseAll, of an owner and of everything, also what no index names", async () => {
    await using one = await instance();
    const held = [
      claimOf({ keys: ["a"], ownerId: "o" }),
      claimOf({ keys: ["b"] }),
      claimOf({ keys: ["c"], limit: 2 }),
    ];
    const waiters = held.map(({ keys }) => claimOf({ keys }));
    await one.store.take([...held, ...waiters]);
    await one.store.releaseAll("o");
    await one.handedTo(waiters[0]?.id as string);
    expect(one.handovers).toHaveLength(1);
    await one.store.releaseAll(null);
    await Promise.all(waiters.map(({ id }) => one.handedTo(id)));
  });

  it("passes on an expired lease at any waiter's look, to the first", async () => {
    await using one = await instance();
    const dead = claimOf({ lease: 50 });
    const [first, second] = [claimOf({}), claimOf({})];
    await one.store.take([dead, first, second]);
    const [, reply] = await one.store.take([first, second]);
    expect(reply).toMatchObject({ status: "queued" });
    const { checkIn } = reply as { checkIn: number };
    expect(checkIn).toBeLessThanOrEqual(52);
    await new Promise((resolve) => {
      setTimeout(resolve, checkIn);
    });
    expect(await one.take(second)).toMatchObject({ status: "queued" });
    await one.handedTo(first.id);
  });

  it("keeps a grant for a waiter that can't hear only as long as its place would have lived, and does not skip it", async () => {
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ namespace });
    const [held, deaf, next] = [claimOf({}), claimOf({}), claimOf({})];
    await one.take(held);
    const gone = await instance({ namespace });
    await gone.take(deaf);
    await gone.store.close();
    await one.take(next);
    const place = `${new KeyLayout(namespace).base}w:${deaf.id}`;
    await redis.pexpire(place, 400);
    await one.release(byGrant(held.id));
    const queued = await one.take(next);
    expect(queued).toMatchObject({ status: "queued" });
    expect((queued as { checkIn: number }).checkIn).toBeLessThanOrEqual(401);
  });

  it("skips a waiter whose place has ended, and lets it queue anew with a greater ticket", async () => {
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ namespace });
    const [held, stopped, next] = [claimOf({}), claimOf({}), claimOf({})];
    const [, first] = await one.store.take([held, stopped, next]);
    await redis.del(`${new KeyLayout(namespace).base}w:${stopped.id}`);
    await one.release(byGrant(held.id));
    await one.handedTo(next.id);
    const again = await one.take(stopped);
    expect(again).toMatchObject({ status: "queued" });
    expect((again as { ticket: number }).ticket).toBeGreaterThan((first as { ticket: number }).ticket);
  });

  it("keeps a place alive by being asked for, and its ticket with it", async () => {
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ namespace });
    const [held, waiter] = [claimOf({}), claimOf({})];
    const [, first] = await one.store.take([held, waiter]);
    const place = `${new KeyLayout(namespace).base}w:${waiter.id}`;
    await redis.pexpire(place, 100);
    expect(await one.take(waiter)).toMatchObject({
      status: "queued",
      ticket: (first as { ticket: number }).ticket,
    });
    expect(await redis.pttl(place)).toBeGreaterThan(PLACE_LIFETIME - 1_000);
  });

  it("wakes the first waiter when what is held becomes held for a short while", async () => {
    await using one = await instance();
    const [held, waiter] = [claimOf({ ownerId: "o", lease: Infinity }), claimOf({})];
    await one.store.take([held, waiter]);
    await one.store.renew([{ grantId: held.id, keys: ["a"], lease: 500 }]);
    await one.wokenFor(waiter.id);
    const queued = await one.take(waiter);
    expect((queued as { checkIn: number }).checkIn).toBeLessThanOrEqual(501);
  });

  it("without push, waiters find their grant when they ask", async () => {
    const namespace = newNamespace();
    await using channel = await published(namespace);
    await using one = await instance({ namespace, push: false });
    const [held, waiter] = [claimOf({}), claimOf({})];
    await one.store.take([held, waiter]);
    await one.release(byGrant(held.id));
    expect(await one.take(waiter)).toMatchObject({
      status: "granted",
      grantId: waiter.id,
      remaining: 30_000,
    });
    expect(await channel.all()).toEqual([]);
    expect(one.store.capabilities.push).toBe(false);
  });

  it("more readers than one script hands over to hold up no other key that the same call frees", async () => {
    await using one = await instance();
    const [writer, other, waiter] = [claimOf({}), claimOf({ keys: ["b"] }), claimOf({ keys: ["b"] })];
    const readers = Array.from({ length: 101 }, () => claimOf({ limit: Infinity }));
    await one.store.take([writer, other, waiter]);
    await one.store.take(readers);
    await one.store.release([byGrant(writer.id), byGrant(other.id, ["b"])]);
    await one.wokenFor((readers.at(-1) as { id: string }).id);
    expect([...one.woken, ...one.handovers.map(({ claimId }) => claimId)]).toContain(waiter.id);
  });

  it("takes a claim on thousands of keys, and gives them back", async () => {
    await using one = await instance();
    const keys = Array.from({ length: 5_000 }, (_, n) => `k${n}`);
    const [many, waiter] = [claimOf({ keys }), claimOf({ keys: keys.toReversed() })];
    expect(await one.take(many)).toMatchObject({ status: "granted" });
    expect(await one.take(waiter)).toMatchObject({ status: "queued" });
    expect(await one.release(byGrant(many.id, keys))).toEqual({ status: "released", freed: true });
    await one.handedTo(waiter.id);
    expect(await one.release(byGrant(waiter.id, keys))).toEqual({ status: "released", freed: true });
  });

  it("of a lease that ends early tells who is first, and who is first after it, once that has left", async () => {
    await using one = await instance();
    const own = { ownerId: "o", limit: 2 };
    const [first, next, last] = [claimOf({ limit: 2 }), claimOf({ limit: 2 }), claimOf({ limit: 2 })];
    await one.store.take([claimOf(own), claimOf({ limit: 2 }), first, next, last]);
    await one.take({ ...own, lease: 1_000 });
    await one.wokenFor(first.id);
    await one.release(byClaim(last.id));
    await one.release(byClaim(first.id));
    await one.wokenFor(next.id);
    expect(one.woken).toEqual([first.id, next.id]);
  });
});
