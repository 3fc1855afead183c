import { type Claim, HANDOVER_LEASE, type Release, type TakeReply } from "@lock/core";
import type { Part } from "./shards.ts";

/** A part of a claim that is held. */
interface Had extends Part {
  readonly grantId: string;
  readonly token: number;
  readonly remaining: number;
}

/** How often a token that somebody else was given meanwhile is replaced by a greater one. */
const MOST_ROUNDS = 10;

/**
 * Takes claims on keys of several buckets: bucket by bucket in the order that everybody keeps, so that nobody waits for one
 * before theirs, and they never deadlock. A claim keeps what it has while it waits for the next, on a short lease that each asking
 * renews: of a process that died, nothing stays. When it has all, `seal` makes it one grant, of one token and with the lease asked for.
 *
 * Asking again walks the buckets anew from the first, which says what is held already and takes what was lost meanwhile.
 */
export class Gathering {
  // The latest walk of each claim under way. An earlier one that is answered late has nothing to say any more.
  readonly #walks = new Map<string, object>();

  has(claimId: string): boolean {
    return this.#walks.has(claimId);
  }

  /** It is withdrawn. */
  forget(claimId: string): void {
    this.#walks.delete(claimId);
  }

  async take(claim: Claim, parts: readonly Part[]): Promise<TakeReply> {
    const walk = {};
    this.#walks.set(claim.id, walk);
    const current = (): boolean => this.#walks.get(claim.id) === walk;
    const had: Had[] = [];
    for (const [n, part] of parts.entries()) {
      // An earlier grant of the owner's is left as it is until there is all that it is to become part of.
      const asked: Claim = { ...claim, keys: part.keys, lease: HANDOVER_LEASE, keepLease: true };
      const reply = await part.shard.parts.post(asked);
      if (!current()) return overtaken;
      if (reply.status === "granted") {
        const { grantId, remaining } = reply;
        had.push({ ...part, grantId, token: Number(reply.token), remaining });
        continue;
      }
      if (reply.status === "queued") {
        // Of what stands after the one it waits for nothing is kept, or two could wait for each other.
        await Promise.all([keep(claim, had), giveBack(claim, parts.slice(n + 1))]);
        return current() ? reply : overtaken;
      }
      if (reply.status === "failed") return reply;
      this.forget(claim.id);
      await giveBack(claim, parts);
      return reply;
    }
    const sealed = await seal(claim, had);
    if (!current()) return overtaken;
    if (sealed.status !== "granted") return sealed;
    this.forget(claim.id);
    const outcomes = await Promise.all(
      had.map(({ shard, keys }) => shard.bucket.confirm([{ ...claim, keys, grantId: sealed.grantId }])),
    );
    const error = outcomes.flat().find((outcome) => outcome !== null);
    if (!error) return sealed;
    await giveBack(claim, parts);
    return { status: "failed", error };
  }
}

const overtaken: TakeReply = {
  status: "failed",
  error: new Error("The claim was asked for anew, or withdrawn, before this was answered"),
};

/** Lets what is held while it waits last for as long again. What an earlier grant holds is not this claim's to renew. */
async function keep(claim: Claim, had: readonly Had[]): Promise<void> {
  const ageing = had.filter((one) => one.grantId === claim.id && one.remaining < HANDOVER_LEASE);
  await Promise.all(
    ageing.map(({ shard, keys }) => shard.renewals.post({ grantId: claim.id, keys, lease: HANDOVER_LEASE })),
  );
}

async function giveBack({ id: claimId }: Claim, parts: readonly Part[]): Promise<void> {
  await Promise.all(
    parts.map(({ shard, keys }) => {
      const withdrawal: Release = { by: "claim", claimId, keys, tombstone: false };
      return shard.releases.post(withdrawal);
    }),
  );
}

/** Makes one grant of the parts. */
async function seal(claim: Claim, had: readonly Had[]): Promise<TakeReply> {
  const [first] = had as [Had];
  // All of it was held by the owner under one earlier grant: it stays that one.
  const inPlace = had.every((one) => one.grantId === first.grantId);
  const grantId = inPlace ? first.grantId : claim.id;
  let token = Math.max(...had.map((one) => one.token));
  if (inPlace && grantId !== claim.id && claim.keepLease) {
    return { status: "granted", grantId, token, remaining: Math.min(...had.map((one) => one.remaining)) };
  }
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const asked = token;
    const tokens = await Promise.all(
      had.map(({ shard, keys }) => shard.bucket.seal({ grantId, claim, keys, token: asked })),
    );
    if (tokens.includes(0)) break;
    token = Math.max(...tokens);
    if (token === asked) return { status: "granted", grantId, token, remaining: claim.lease };
  }
  return { status: "failed", error: new Error("A part of the claim was lost while the others were taken") };
}
