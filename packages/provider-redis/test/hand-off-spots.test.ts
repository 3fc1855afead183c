import { expect, it } from "vitest";
import { byClaim, claimOf } from "./instance.ts";
import { granted, queued, scripted } from "./scripted-server.ts";

/* What a process knows of a key, and when it forgets it. */

it("word that comes when its key was forgotten takes nothing from who wants the key since", async () => {
  const { take, release, asked, words, handovers, handOff } = scripted();
  const [first, gone, second, next] = [claimOf({}), claimOf({}), claimOf({}), claimOf({})];
  void take(first);
  await asked[0]!.answer([granted(first, 1)]);
  void take(gone);
  await handOff.release([byClaim(gone.id)]);
  await release(first);
  void take(second);
  const follows = take(next);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  await asked[1]!.answer([granted(second, 301)]);
  expect(await Promise.race([follows, Promise.resolve("never")])).toMatchObject({ status: "queued" });
  await words[1]!.answer({ status: "held", lastToken: 600, others: 0, recalled: [] });
  await release(second);
  expect(handovers).toMatchObject([{ claimId: next.id }]);
});

it("who has the lock after one that lost it hands it on as any other", async () => {
  const { take, release, asked, words, handovers, lost } = scripted();
  const [first, second, next] = [claimOf({}), claimOf({}), claimOf({})];
  void take(second);
  await asked[0]!.answer([queued(1)]);
  void take(first);
  await asked[1]!.answer([granted(first, 2)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 1, recalled: [] });
  void take(second);
  await asked[2]!.answer([granted(second, 301)]);
  expect(lost).toEqual([first.id]);
  void take(next);
  await words[1]?.answer({ status: "held", lastToken: 600, others: 0, recalled: [] });
  await release(second);
  expect(handovers).toMatchObject([{ claimId: next.id }]);
});

it("who has to queue again is known there together with those who queue after it", async () => {
  const { server, take, asked, words } = scripted();
  const [first, next] = [claimOf({}), claimOf({})];
  void take(first);
  await asked[0]!.answer([queued(5)]);
  void take(first);
  server.granted({ claimId: first.id, ticket: 5, token: 6, remaining: 8_000, provisional: true });
  await asked[1]!.answer([queued(9)]);
  void take(next);
  await asked[2]!.answer([queued(10)]);
  server.granted({ claimId: first.id, ticket: 9, token: 11, remaining: 8_000, provisional: true });
  expect(words).toHaveLength(1);
});

it("who was handed the lock before its place was heard of does not wait there when it gives it back, heard or not", async () => {
  const { server, take, release, asked, gate } = scripted();
  const [early, first, next] = [claimOf({}), claimOf({}), claimOf({})];
  void take(early);
  server.granted({ claimId: early.id, ticket: 5, token: 6, remaining: 8_000, provisional: true });
  await asked[0]!.answer([queued(5)]);
  gate.open = Promise.reject(new Error("cut"));
  await expect(release(early)).rejects.toThrow("cut");
  void take(first);
  void take(next);
  expect(asked.slice(1).map(({ claims }) => claims)).toEqual([[first]]);
});

it("what is said of a claim that was given up meanwhile is nobody's, also where its withdrawal is not answered", async () => {
  const { take, asked, gate, handOff } = scripted();
  const [gone, first, next] = [claimOf({}), claimOf({}), claimOf({})];
  void take(gone);
  gate.open = Promise.reject(new Error("cut"));
  await expect(handOff.release([byClaim(gone.id, ["a"], true)])).rejects.toThrow("cut");
  await asked[0]!.answer([queued(5)]);
  void take(first);
  void take(next);
  expect(asked.slice(1).map(({ claims }) => claims)).toEqual([[first]]);
});
