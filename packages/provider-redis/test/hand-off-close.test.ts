import { expect, it } from "vitest";
import { byGrant, claimOf } from "./instance.ts";
import { granted, queued, scripted } from "./scripted-server.ts";

/* A process that closes, whatever it does with a lock at that moment: nothing is asked for any more, and no lock goes to anybody here. */

it("one that holds gives back what it holds, and asks for nothing", async () => {
  const { take, release, asked, released, handOff } = scripted();
  const holder = claimOf({});
  void take(holder);
  await asked[0]!.answer([granted(holder, 1)]);
  handOff.close();
  expect(await release(holder)).toEqual({ status: "released", freed: true });
  expect(released).toEqual([byGrant(holder.id)]);
  expect(asked).toHaveLength(1);
});

it("one whose callers wait in it does not ask for them when the lock is lost", async () => {
  const { server, take, asked, words, lost, handOff } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  await asked[0]!.answer([granted(holder, 1)]);
  void take(next);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  handOff.close();
  server.freed(300);
  expect(lost).toEqual([holder.id]);
  expect(asked).toHaveLength(1);
});

it("one whose callers follow another, and wait for word then, asks for nobody when the word is that the lock is gone", async () => {
  const { take, release, asked, words, released, handOff } = scripted();
  const [holder, next] = [claimOf({}), claimOf({})];
  void take(holder);
  const follows = take(next);
  handOff.close();
  await asked[0]!.answer([granted(holder, 1)]);
  expect(await follows).toMatchObject({ status: "queued" });
  await words[0]!.answer({ status: "lost" });
  expect(asked).toHaveLength(1);
  await release(holder);
  expect(released).toEqual([byGrant(holder.id)]);
});

it("a release that waits for word while the process closes is told when the lock is free", async () => {
  const { take, release, asked, words, released, handOff } = scripted();
  const [waiting, holder] = [claimOf({}), claimOf({})];
  void take(waiting);
  await asked[0]!.answer([queued(1)]);
  void take(holder);
  await asked[1]!.answer([granted(holder, 2)]);
  const freed = release(holder);
  handOff.close();
  await words[0]!.answer({ status: "held", lastToken: 300, others: 1, recalled: [] });
  expect(await freed).toEqual({ status: "released", freed: true });
  expect(released).toEqual([byGrant(holder.id)]);
  expect(asked).toHaveLength(2);
});
