import type { Claim, KeyState, Release, ReleaseReply, Renewal, RenewReply, TakeReply } from "@lock/core";
import { bucketOf } from "./bucket-of.ts";
import type { Bucket, Locks } from "./bucket.ts";
import { Gathering } from "./gathering.ts";
import { SameTick } from "./same-tick.ts";

/** A bucket, with what is asked of it in one tick going together. */
export interface Shard {
  readonly bucket: Bucket;
  readonly takes: SameTick<Claim, TakeReply>;
  readonly parts: SameTick<Claim, TakeReply>;
  readonly renewals: SameTick<Renewal, RenewReply>;
  readonly releases: SameTick<Release, ReleaseReply>;
}

/** Some keys, and the shard that they live in. */
export interface Part {
  readonly shard: Shard;
  readonly keys: readonly string[];
}

/**
 * Locks spread over many buckets, so over many slots and servers. What concerns one bucket goes there as it is; what concerns
 * several is divided, and `Gathering` takes it.
 */
export class Shards implements Locks {
  readonly #shards: readonly Shard[];
  readonly #gathering = new Gathering();

  constructor(buckets: readonly Bucket[]) {
    this.#shards = buckets.map((bucket) => ({
      bucket,
      takes: new SameTick((claims) => bucket.take(claims)),
      parts: new SameTick((claims) => bucket.takePart(claims)),
      renewals: new SameTick((renewals) => bucket.renew(renewals)),
      releases: new SameTick((releases) => bucket.release(releases)),
    }));
  }

  async open(): Promise<void> {
    await Promise.all(this.#shards.map(({ bucket }) => bucket.open()));
  }

  /** Whether a claim is on keys of several buckets, so that what one of them grants is not all of it. */
  gathers(claimId: string): boolean {
    return this.#gathering.has(claimId);
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    return Promise.all(
      claims.map((claim) => {
        const parts = this.#divide(claim.keys);
        const [only] = parts;
        if (parts.length === 1 && only) return only.shard.takes.post(claim);
        return this.#gathering.take(claim, parts);
      }),
    );
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    return Promise.all(renewals.map((renewal) => this.#renew(renewal)));
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    return Promise.all(releases.map((release) => this.#release(release)));
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    await Promise.all(this.#shards.map(({ bucket }) => bucket.releaseAll(ownerId)));
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    const states = new Map<string, KeyState>();
    await Promise.all(
      this.#divide(keys).map(async ({ shard, keys: some }) => {
        for (const state of await shard.bucket.inspect(some)) states.set(state.key, state);
      }),
    );
    return keys.map((key) => states.get(key) as KeyState);
  }

  async #renew(renewal: Renewal): Promise<RenewReply> {
    const parts = this.#divide(renewal.keys);
    const ask = async (lease: number): Promise<readonly RenewReply[]> =>
      Promise.all(parts.map(({ shard, keys }) => shard.renewals.post({ ...renewal, keys, lease })));
    // What is lost in one bucket must not be renewed in another.
    const held = parts.length === 1 || (await ask(0)).every(({ status }) => status === "renewed");
    const lost = held ? (await ask(renewal.lease)).find(({ status }) => status !== "renewed") : undefined;
    if (!held || lost) return lost ?? { status: "lost" };
    return { status: "renewed", remaining: renewal.lease };
  }

  async #release(release: Release): Promise<ReleaseReply> {
    if (release.by === "claim") this.#gathering.forget(release.claimId);
    const parts = this.#divide(release.keys);
    const replies = await Promise.all(
      parts.map(({ shard, keys }) => shard.releases.post({ ...release, keys })),
    );
    const failed = replies.find(({ status }) => status === "failed");
    if (failed) return failed;
    const freed = (reply: ReleaseReply): boolean => reply.status === "released" && reply.freed;
    return {
      status: "released",
      freed: release.by === "claim" ? replies.some(freed) : replies.every(freed),
    };
  }

  /** In the order of the buckets, which is the same for everybody. */
  #divide(keys: readonly string[]): readonly Part[] {
    const count = this.#shards.length;
    const first = bucketOf(keys[0] as string, count);
    if (keys.every((key) => bucketOf(key, count) === first)) {
      return [{ shard: this.#shards[first] as Shard, keys }];
    }
    const divided = new Map<number, string[]>();
    for (const key of keys) {
      const at = bucketOf(key, count);
      const some = divided.get(at);
      if (some) some.push(key);
      else divided.set(at, [key]);
    }
    return [...divided]
      .toSorted(([one], [other]) => one - other)
      .map(([at, some]) => ({ shard: this.#shards[at] as Shard, keys: some }));
  }
}
