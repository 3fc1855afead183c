import type { Claim } from "@lock/core";
import { MOST_TOGETHER } from "../src/same-tick.ts";
import { expect, it } from "vitest";
import { deferred } from "./deferred.ts";
import { byClaim, byGrant, claimOf } from "./instance.ts";
import { granted, queued, scripted } from "./scripted-server.ts";

/*
 * The order in which a process hears of what a server did: two connections and many requests, so an answer may be older than what
 * was heard already. A server can't be made to answer so on demand; what it would say is said here.
 */

it("an answer that it waits, from before it was handed the lock, neither gives the lock back nor queues it", async () => {
  const { server, take, asked, withdrawn, lost } = scripted();
  const claim = claimOf({});
  const first = take(claim);
  await asked[0]!.answer([queued(5)]);
  expect(await first).toMatchObject({ status: "queued", ticket: 5 });
  const again = take(claim);
  server.granted({ claimId: claim.id, ticket: 5, token: 6, remaining: 8_000, provisional: true });
  await asked[1]!.answer([queued(5)]);
  expect(await again).toMatchObject({ status: "granted", token: 6 });
  expect([withdrawn, lost]).toEqual([[], []]);
});

it("an answer that it had to queue again tells that what it was handed is gone", async () => {
  const { server, take, asked, withdrawn } = scripted();
  const claim = claimOf({});
  void take(claim);
  await asked[0]!.answer([queued(5)]);
  const again = take(claim);
  server.granted({ claimId: claim.id, ticket: 5, token: 6, remaining: 8_000, provisional: true });
  await asked[1]!.answer([queued(9)]);
  expect(await again).toMatchObject({ status: "queued", ticket: 9 });
  expect(withdrawn).toEqual([]);
});

it("who came home while it was asked for leaves the place it has at the server meanwhile, and keeps its turn", async () => {
  const { take, release, asked, words, withdrawn, handovers, released } = scripted();
  const [holder, one, two] = [claimOf({}), claimOf({}), claimOf({})];
  void take(one);
  void take(two);
  await asked[0]!.answer([queued(1)]);
  await asked[1]!.answer([queued(2)]);
  void take(holder);
  await asked[2]!.answer([granted(holder, 3)]);
  expect(words).toHaveLength(1);
  const again = take(one);
  // The server called them home before it was asked again, and says so later.
  await asked[3]!.answer([queued(4)]);
  expect(await again).toMatchObject({ status: "queued", ticket: 4 });
  const recalled = [
    { claimId: one.id, ticket: 1 },
    { claimId: two.id, ticket: 2 },
  ];
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled });
  expect(withdrawn).toEqual([one.id]);
  expect(await release(holder)).toEqual({ status: "released", freed: true });
  expect(handovers).toMatchObject([{ claimId: one.id, ticket: 4 }]);
  await release(one);
  expect(handovers).toMatchObject([{ claimId: one.id }, { claimId: two.id, ticket: 2 }]);
  expect(handovers[1]!.token).toBeGreaterThan(handovers[0]!.token as number);
  await release(two);
  expect(released).toEqual([byGrant(holder.id)]);
});

it("a withdrawal of who gave the lock on to another frees nothing", async () => {
  const { take, release, asked, words, released, handovers } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  await asked[0]!.answer([granted(holder, 1)]);
  void take(next);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  await release(holder);
  expect(handovers).toMatchObject([{ claimId: next.id }]);
  expect(await release(holder)).toEqual({ status: "released", freed: false });
  expect(released).toEqual([]);
  await release(next);
  expect(released).toEqual([byGrant(holder.id)]);
});

it("a release waits for the server's word where nobody here is sure to want the lock, and is told when it is free", async () => {
  const { take, release, asked, words, released } = scripted();
  const [waiting, holder] = [claimOf({}), claimOf({})];
  void take(waiting);
  await asked[0]!.answer([queued(1)]);
  void take(holder);
  await asked[1]!.answer([granted(holder, 2)]);
  const freed = release(holder);
  expect(released).toEqual([]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 1, recalled: [] });
  expect(await freed).toEqual({ status: "released", freed: true });
  expect(released).toEqual([byGrant(holder.id)]);
});

it("a server that says the lock is gone is believed: its holder is told, and those who wait ask there", async () => {
  const { take, asked, words, lost } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  await asked[0]!.answer([granted(holder, 1)]);
  const waits = take(next);
  await words[0]!.answer({ status: "lost" });
  expect(lost).toEqual([holder.id]);
  expect(asked[1]!.claims).toEqual([next]);
  await asked[1]!.answer([granted(next, 9)]);
  expect(await waits).toMatchObject({ status: "granted", token: 9 });
});

it("a grant that came while its claim was withdrawn is forgotten with it", async () => {
  const { take, asked, words, gate, handOff } = scripted();
  const [gone, next] = [claimOf({}), claimOf({})];
  const { promise, resolve } = deferred();
  gate.open = promise;
  void take(gone);
  const withdrawal = handOff.release([byClaim(gone.id)]);
  await asked[0]!.answer([granted(gone, 1)]);
  resolve();
  await withdrawal;
  void take(next);
  expect(words).toEqual([]);
  expect(asked[1]!.claims).toEqual([next]);
});

it("a release that could not be sure of the lock tells that it was gone, whoever waits here", async () => {
  const { take, release, asked, words } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  void take(next);
  await asked[0]!.answer([granted(holder, 1)]);
  const freed = release(holder);
  await words[0]!.answer({ status: "lost" });
  expect(await freed).toEqual({ status: "released", freed: false });
});

it("a release that waits for word is answered, and the lock given back, when the last who wanted it leaves", async () => {
  const { take, release, asked, released, handOff } = scripted();
  const [waiting, holder, last] = [claimOf({}), claimOf({}), claimOf({})];
  void take(waiting);
  await asked[0]!.answer([queued(1)]);
  await handOff.release([byClaim(waiting.id)]);
  void take(holder);
  void take(holder);
  await asked[1]!.answer([granted(holder, 2)]);
  void take(last);
  const freed = release(holder);
  await handOff.release([byClaim(last.id)]);
  expect(await freed).toEqual({ status: "released", freed: true });
  expect(released.slice(1)).toEqual([{ ...byGrant(holder.id), tombstone: true }]);
});

it("who leaves while it is asked for on its behalf is not called home any more", async () => {
  const { server, take, release, asked, words, handovers, gate, handOff } = scripted();
  const [holder, ...others] = [claimOf({}), ...Array.from({ length: MOST_TOGETHER + 2 }, () => claimOf({}))];
  const [next, late, last] = [others[0]!, others[MOST_TOGETHER]!, others[MOST_TOGETHER + 1]!];
  void take(holder);
  for (const claim of others) void take(claim);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  server.freed(400);
  // Those who waited are asked for, as many together as travel so.
  expect(asked.slice(1).map(({ claims }) => claims.length)).toEqual([MOST_TOGETHER, 2]);
  await asked[1]!.answer(
    others.slice(0, MOST_TOGETHER).map((claim, n) => (n === 0 ? granted(claim, 500) : queued(500 + n))),
  );
  expect(words).toHaveLength(2);
  const { promise, resolve } = deferred();
  gate.open = promise;
  const withdrawal = handOff.release([byClaim(late.id)]);
  await asked[2]!.answer([queued(600), queued(601)]);
  const recalled = others.slice(1).map(({ id }, n) => ({ claimId: id, ticket: 501 + n }));
  await words[1]!.answer({ status: "held", lastToken: 900, others: 0, recalled });
  resolve();
  await withdrawal;
  await release(next);
  for (const claim of others.slice(1, MOST_TOGETHER)) await release(claim);
  expect(handovers.map(({ claimId }) => claimId)).not.toContain(late.id);
  expect(handovers.at(-1)).toMatchObject({ claimId: last.id });
});

it("a grant that another has had since takes nothing from it", async () => {
  const { server, take, asked, lost, handOff } = scripted();
  const [early, next] = [claimOf({}), claimOf({})];
  void take(early);
  await asked[0]!.answer([queued(1)]);
  void take(next);
  await asked[1]!.answer([queued(2)]);
  void take(early);
  void handOff.release([byClaim(early.id)]);
  // It was granted, withdrawn and handed on: the news of that came first.
  server.granted({ claimId: next.id, ticket: 2, token: 4, remaining: 8_000, provisional: true });
  await asked[2]!.answer([granted(early, 3)]);
  expect(lost).toEqual([]);
});

it("a claim whose request failed may have been known for a while: who follows it waits for word", async () => {
  const { take, asked, words } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  await asked[0]!.answer([{ status: "failed", error: new Error("cut") }]);
  void take(holder);
  void take(next);
  await asked[1]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 1, recalled: [] });
  expect(asked[2]?.claims).toEqual([next]);
});

it("who follows a claim comes after those that are asked for already, one of which is granted first", async () => {
  const { take, asked, words } = scripted();
  const [first, second, third, fourth, fifth] = Array.from({ length: 5 }, () => claimOf({})) as [
    Claim,
    Claim,
    Claim,
    Claim,
    Claim,
  ];
  for (const claim of [first, second, third]) void take(claim);
  await asked[0]!.answer([{ status: "failed", error: new Error("cut") }]);
  expect(asked[1]!.claims).toEqual([second, third]);
  for (const claim of [fourth, fifth]) void take(claim);
  await asked[1]!.answer([granted(second, 1), queued(2)]);
  await asked[2]!.answer([queued(3)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  expect(asked[3]?.claims).toEqual([fifth]);
});

it("who has the lock and neither renews it nor gives it back has it no longer than its lease, whoever waits", async () => {
  const { take, release, asked, words, handovers } = scripted();
  const [holder, gone, next] = [claimOf({ lease: 60 }), claimOf({ lease: 60 }), claimOf({ lease: 60 })];
  for (const claim of [holder, gone, next]) void take(claim);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  await release(holder);
  expect(handovers).toMatchObject([{ claimId: gone.id }]);
  for (const word of words.slice(1))
    await word.answer({ status: "held", lastToken: 900, others: 0, recalled: [] });
  const before = words.length;
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  void take(next);
  expect(words).toHaveLength(before);
  expect(asked[1]?.claims).toEqual([next]);
});

it("a process takes back its note at the key only while the lock is its own", async () => {
  const { server, take, release, asked, words, noted, handOff } = scripted();
  const [kept, gone] = [claimOf({}), claimOf({})];
  for (const holder of [kept, gone]) {
    const next = claimOf({});
    void take(holder);
    void take(next);
    await asked.at(-1)!.answer([granted(holder, 1)]);
    await words.at(-1)!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
    await handOff.release([byClaim(next.id)]);
    if (holder === gone) server.freed(300);
    await release(holder);
  }
  expect(noted).toEqual([kept.id]);
});

it("a lock that is extended while the server is asked for its word is not thought longer than that makes it", async () => {
  const { take, asked, words, handOff } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  const extend = () => handOff.renew([{ grantId: holder.id, keys: ["a"], lease: 60_000 }]);
  void take(holder);
  await asked[0]!.answer([granted(holder, 1)]);
  void take(next);
  // It may be carried out after the renewal, and lets the lock last as long as was asked for at first.
  expect(await extend()).toEqual([{ status: "renewed", remaining: 30_000 }]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  expect(words).toHaveLength(1);
});

it("a lock whose lease is hardly longer than the server takes for its word goes back instead of being kept for nobody", async () => {
  const { take, release, asked, words, released } = scripted();
  const [holder, next] = [claimOf({ lease: 80 }), claimOf({ lease: 80 })];
  void take(holder);
  void take(next);
  await asked[0]!.answer([granted(holder, 1)]);
  const freed = release(holder);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  expect(words).toHaveLength(1);
  expect(released).toEqual([byGrant(holder.id)]);
  expect(asked[1]?.claims).toEqual([next]);
  expect(await freed).toEqual({ status: "released", freed: true });
});
