import type { Claim } from "@lock/core";
import { expect, it } from "vitest";
import { byClaim, byGrant, claimOf } from "./instance.ts";
import { granted, scripted } from "./scripted-server.ts";

/*
 * A claim whose request was cut may stand at the server, or come there still, while it waits in the process: what is over here must be over
 * there too, or the server gives the lock to one that nobody waits for any more.
 */

const cut = { status: "failed", error: new Error("cut") } as const;

/** One whose request was cut waits in the process behind a holder. */
async function strayed(wordGiven: boolean) {
  const server = scripted();
  const { take, asked, words } = server;
  const [stray, holder] = [claimOf({}), claimOf({})];
  void take(stray);
  await asked[0]!.answer([cut]);
  void take(holder);
  await asked[1]!.answer([granted(holder, 1)]);
  const again = take(stray);
  if (wordGiven) await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  return { ...server, stray, holder, again };
}

const buried = (claim: Claim) => ({ ...byGrant(claim.id), tombstone: true });

it("one that had the lock by hand-off leaves nothing at the server when it gives it back", async () => {
  const { release, released, handovers, handOff, stray, holder } = await strayed(true);
  await release(holder);
  expect(handovers).toMatchObject([{ claimId: stray.id }]);
  await handOff.release([buried(stray)]);
  expect(released).toContainEqual(buried(stray));
  expect(released).toContainEqual(byGrant(holder.id));
});

it("one that gives up while it waits in the process leaves nothing at the server", async () => {
  const { released, handOff, stray } = await strayed(true);
  await handOff.release([byClaim(stray.id, ["a"], true)]);
  expect(released).toEqual([byClaim(stray.id, ["a"], true)]);
});

it("nor one that gives up while the process waits for word", async () => {
  const { released, handOff, stray, again } = await strayed(false);
  await handOff.release([byClaim(stray.id, ["a"], true)]);
  expect(await again).toEqual({ status: "withdrawn" });
  expect(released).toEqual([byClaim(stray.id, ["a"], true)]);
});

it("nor one that gives up while it follows another, and a request of the process is under way for it", async () => {
  const { server, take, asked, words, released, handOff } = scripted();
  const [holder, first, next] = [claimOf({}), claimOf({}), claimOf({})];
  void take(holder);
  void take(first);
  void take(next);
  await asked[0]!.answer([granted(holder, 1)]);
  await words[0]!.answer({ status: "held", lastToken: 300, others: 0, recalled: [] });
  server.freed(300);
  expect(asked[1]?.claims).toEqual([first, next]);
  void take(first);
  void take(next);
  await handOff.release([byClaim(next.id)]);
  expect(released).toEqual([byClaim(next.id, ["a"], true)]);
});

it("nor one that gives up while it follows another, and a request of its own is overdue", async () => {
  const { take, asked, released, handOff } = scripted();
  const [first, stray] = [claimOf({}), claimOf({})];
  void take(first);
  void take(stray);
  // The server is asked for who followed, too late for its caller, who asks again.
  await asked[0]!.answer([cut]);
  expect(asked[1]?.claims).toEqual([stray]);
  void take(first);
  void take(stray);
  await handOff.release([byClaim(stray.id, ["a"], true)]);
  expect(released).toEqual([byClaim(stray.id, ["a"], true)]);
});
