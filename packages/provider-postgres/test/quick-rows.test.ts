import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { twoInstances } from "./two-instances.ts";

const at = twoInstances();

const released = (...freed: boolean[]) => freed.map((each) => ({ status: "released", freed: each }));

test("what owners hold is freed together as it is one by one", async () => {
  await at.one.take({ keys: ["a"], ownerId: "o" });
  await at.one.take({ keys: ["b"], ownerId: "p" });
  await at.one.take({ keys: ["late"], ownerId: "o", lease: 20 });
  await at.one.take({ keys: ["mine"], ownerId: "p" });
  await at.one.take({ keys: ["job"] });
  for (const _ of [1, 2]) await at.one.take({ keys: ["shared"], ownerId: null, kind: "acquire", limit: 3 });
  await at.other.take({ id: "w", keys: ["a"] });
  await pause(30);
  const owned = (ownerId: string | null, key: string) => ({ by: "owner" as const, ownerId, keys: [key] });
  const replies = await at.one.store.release([
    owned("o", "a"),
    // The first and the last name one key, and keep their order.
    owned("p", "b"),
    owned("o", "late"),
    owned("o", "mine"),
    owned(null, "job"),
    owned(null, "shared"),
    owned("o", "never"),
    owned("p", "b"),
  ]);
  expect(replies).toEqual(released(true, true, false, false, false, true, false, false));
  await at.other.handedTo("w");
  const holders = (await at.one.store.inspect(["a", "b", "mine", "job", "shared"])).map(
    (state) => state.holders.length,
  );
  expect(holders).toEqual([1, 0, 1, 1, 0]);
});

test("a key is handed from one to the next in line, whatever they want it for", async () => {
  const line = [
    { id: "first" },
    { id: "shortly", lease: 1_000 },
    { id: "owned", ownerId: "o" },
    { id: "both", keys: ["a", "b"] },
    { id: "shared", limit: 2 },
    { id: "unowned", ownerId: null, kind: "acquire" as const, lease: Infinity },
    { id: "last" },
  ];
  await at.one.take({ id: "holder" });
  // Told in the reply or by a notification.
  for (const [n, claim] of line.entries()) {
    expect(await (n % 2 === 0 ? at.one : at.other).take(claim)).toMatchObject({ status: "queued" });
  }
  const tokens: bigint[] = [];
  let holder: { id: string; keys?: string[] } = { id: "holder" };
  for (const [n, next] of line.entries()) {
    const { id: grantId, keys = ["a"] } = holder;
    await at.one.release({ by: "grant", grantId, keys, tombstone: false });
    const handed = await (n % 2 === 0 ? at.one : at.other).handedTo(next.id);
    expect(handed).toMatchObject({ provisional: true, remaining: next.lease === 1_000 ? 1_000 : 8_000 });
    tokens.push(handed.token as bigint);
    expect(await at.one.store.inspect(["a"])).toMatchObject([
      { holders: [{ fencingToken: handed.token }], waiting: line.length - n - 1 },
    ]);
    holder = next;
  }
  expect(tokens).toEqual(tokens.toSorted((one, other) => (one < other ? -1 : 1)));
});

test("who queues up behind a holder hears when the first lease in its way ends", async () => {
  await at.one.take({ id: "holder", lease: 2_000 });
  expect(await at.other.take({ id: "w1" })).toMatchObject({ status: "queued" });
  const reply = await at.other.take({ id: "w2" });
  expect(reply).toMatchObject({ status: "queued", checkIn: expect.closeTo(2_000, -3) as number });
  expect(await at.other.take({ id: "w2" })).toMatchObject({ status: "queued", ticket: ticketOf(reply) });
});

function ticketOf(reply: unknown): number {
  return (reply as { ticket: number }).ticket;
}
