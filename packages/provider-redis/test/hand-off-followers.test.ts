import { expect, it } from "vitest";
import { byClaim, byGrant, claimOf } from "./instance.ts";
import { granted, queued, scripted } from "./scripted-server.ts";

/* Claims that wait to hear what becomes of another of their process, while the server knows of them already. */

it("who is granted what it asked for before it followed another has it, and does not wait for itself", async () => {
  const { take, release, asked, released } = scripted();
  const [first, overdue] = [claimOf({}), claimOf({})];
  void take(first);
  void take(overdue);
  await asked[0]!.answer([{ status: "failed", error: new Error("cut") }]);
  void take(first);
  const again = take(overdue);
  await asked[1]!.answer([granted(overdue, 1)]);
  expect(await again).toMatchObject({ status: "granted", token: 1 });
  expect(await release(overdue)).toEqual({ status: "released", freed: true });
  expect(released).toEqual([byGrant(overdue.id)]);
});

it("who waits at the server asks there again, whomever it could follow, and leaves it when it gives up", async () => {
  const { server, take, asked, words, released, handOff } = scripted();
  const [holder, waiting, other] = [claimOf({}), claimOf({}), claimOf({})];
  void take(holder);
  void take(waiting);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  server.freed(300);
  void take(other);
  await asked[1]!.answer([queued(301)]);
  void take(waiting);
  expect(asked.slice(1).map(({ claims }) => claims)).toEqual([[waiting], [other], [waiting]]);
  await asked[3]!.answer([queued(301)]);
  await handOff.release([byClaim(waiting.id)]);
  expect(released).toEqual([byClaim(waiting.id)]);
});

it("who follows another when it hears that it waits at the server leaves it when it gives up", async () => {
  const { server, take, asked, words, released, handOff } = scripted();
  const [holder, waiting, other] = [claimOf({}), claimOf({}), claimOf({})];
  void take(holder);
  void take(waiting);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  server.freed(300);
  void take(other);
  void take(waiting);
  await asked[1]!.answer([queued(301)]);
  await handOff.release([byClaim(waiting.id)]);
  expect(released).toEqual([byClaim(waiting.id)]);
});

it("a grant whose lease was over when it was heard of is nobody's", async () => {
  const { take, asked } = scripted();
  const [late, next] = [claimOf({ lease: 20 }), claimOf({ lease: 20 })];
  void take(late);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await asked[0]!.answer([granted(late, 1)]);
  void take(next);
  void take(claimOf({ lease: 20 }));
  expect(asked.slice(1).map(({ claims }) => claims)).toEqual([[next]]);
});
