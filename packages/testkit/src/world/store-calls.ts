import type { Claim, LockStore, Release, TakeReply } from "@lock/core";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

/** A claim as the engine makes them. */
export function claimOf(claim: Partial<Claim>): Claim {
  const id = randomBytes(12).toString("base64url");
  const rest = { ownerId: null, limit: 1, lease: 30_000, keepLease: false, wait: false } as const;
  return { id, keys: ["k"], kind: claim.ownerId === undefined ? "execute" : "acquire", ...rest, ...claim };
}

/** Asks for one claim. */
export async function take(store: LockStore, claim: Claim): Promise<TakeReply> {
  const replies = await store.take([claim]);
  assert.equal(replies.length, 1);
  return replies[0]!;
}

/** Asks for a claim that must be granted. */
export async function granted(store: LockStore, claim: Claim): Promise<TakeReply & { status: "granted" }> {
  const reply = await take(store, claim);
  assert.equal(reply.status, "granted");
  return reply;
}

/** Asks for a claim that must be refused. */
export async function busy(store: LockStore, claim: Partial<Claim>): Promise<void> {
  assert.equal((await take(store, claimOf({ ...claim, wait: false }))).status, "busy");
}

/** Releases, and tells whether it was freed. */
export async function release(store: LockStore, one: Release): Promise<boolean> {
  const [reply] = await store.release([one]);
  assert.ok(reply?.status === "released");
  return reply.freed;
}

/** Renews, and tells what became of it. */
export async function renewal(
  store: LockStore,
  grantId: string,
  keys: readonly string[],
  lease: number,
): Promise<string> {
  const [reply] = await store.renew([{ grantId, keys, lease }]);
  if (reply?.status === "renewed") {
    // What lives with a session may last longer than it was asked to.
    const most = store.capabilities.crashRelease === "session" ? Infinity : lease;
    assert.ok(reply.remaining <= most && reply.remaining > lease - 2_000);
  }
  return reply?.status ?? "no answer";
}
