import type { KeyState, Release, ReleaseReply, Renewal, RenewReply, TakeReply } from "@lock/core";
import type { Connection } from "./connection.ts";
import { bindCall, endedCall, readBindReply, readEndedReply } from "./operations/bind.ts";
import type { Handovers } from "./operations/handovers.ts";
import { inspectCall, readInspectReplies } from "./operations/inspect.ts";
import { lookCall, readLookReply } from "./operations/look.ts";
import {
  boundCall,
  readBoundReply,
  readReleaseAllReply,
  releaseAllCall,
  releaseAllStart,
} from "./operations/release-all.ts";
import { releaseAbsorbedCall, type GrantRelease } from "./operations/release-absorbed.ts";
import { readReleaseReplies, releaseCall } from "./operations/release.ts";
import { readRenewReplies, renewCall } from "./operations/renew.ts";
import { mostKeys, slices } from "./operations/slices.ts";
import { readTakeReplies, takeCall, type RowClaim } from "./operations/take.ts";

export interface RowsOptions {
  readonly namespace: string;
  readonly connection: Connection;
  /** Where other instances tell our waiters; `null`: they ask by themselves. */
  readonly channel: string | null;
  /** Told what was handed to our waiters on the way. */
  readonly tell: (handovers: Handovers) => void;
}

/** Locks as rows of the tables: whatever is contended, limited, owned or bound to a transaction. */
export class Rows {
  readonly #options: RowsOptions;

  constructor(options: RowsOptions) {
    this.#options = options;
  }

  async take(claims: readonly RowClaim[]): Promise<TakeReply[]> {
    const { namespace, connection, channel, tell } = this.#options;
    return slices(claims, async (slice) => {
      const rows = await connection.query(takeCall(namespace, channel, slice));
      const { replies, handovers } = readTakeReplies(slice, rows);
      tell(handovers);
      return replies;
    });
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    const { namespace, connection, channel, tell } = this.#options;
    return slices(renewals, async (slice) => {
      const rows = await connection.query(renewCall(namespace, channel, slice));
      const { replies, handovers } = readRenewReplies(slice, rows);
      tell(handovers);
      return replies;
    });
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    const { namespace, connection, channel, tell } = this.#options;
    return slices(releases, async (slice) => {
      const rows = await connection.query(releaseCall(namespace, channel, slice));
      const { replies, handovers } = readReleaseReplies(slice, rows);
      tell(handovers);
      return this.#releaseAbsorbed(slice, replies);
    });
  }

  /**
   * A grant that isn't there may have been taken over by a later one of its owner, to be brought back should that be withdrawn. It is forgotten
   * there, and released in case that has just happened, in one transition.
   */
  async #releaseAbsorbed(
    releases: readonly Release[],
    replies: readonly ReleaseReply[],
  ): Promise<ReleaseReply[]> {
    const { namespace, connection, channel, tell } = this.#options;
    const isGone = (release: Release, n: number): release is GrantRelease => {
      const reply = replies[n];
      return release.by === "grant" && reply?.status === "released" && !reply.freed;
    };
    const gone = releases.filter(isGone);
    if (gone.length === 0) return [...replies];
    const rows = await connection.query(releaseAbsorbedCall(namespace, channel, gone));
    const again = readReleaseReplies(gone, rows);
    tell(again.handovers);
    let at = 0;
    return releases.map(
      (release, n) => (isGone(release, n) ? again.replies[at++] : replies[n]) as ReleaseReply,
    );
  }

  /** A token: what was granted before has a smaller one. */
  async bound(): Promise<string | null> {
    return readBoundReply(await this.#options.connection.query(boundCall));
  }

  /** `bound`: frees only what was granted before. */
  async releaseAll(ownerId: string | null, bound: string | null = null): Promise<void> {
    const { namespace, connection, channel, tell } = this.#options;
    let progress = { ...releaseAllStart, bound };
    while (progress.after !== null) {
      const call = releaseAllCall(namespace, channel, ownerId, progress);
      const reply = readReleaseAllReply(await connection.query(call));
      tell(reply.handovers);
      progress = reply.progress;
    }
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    const { namespace, connection } = this.#options;
    return readInspectReplies(keys, await connection.query(inspectCall(namespace, keys)));
  }

  /** Hands on what lived with a session or a transaction that is over, of any number of keys. */
  async look(keys: readonly string[]): Promise<void> {
    const { namespace, connection, channel, tell } = this.#options;
    for (let start = 0; start < keys.length; start += mostKeys) {
      const slice = keys.slice(start, start + mostKeys);
      tell(readLookReply(await connection.query(lookCall(namespace, channel, slice))));
    }
  }

  async bind(
    grantId: string,
    keys: readonly string[],
    transaction: bigint,
  ): Promise<ReturnType<typeof readBindReply>> {
    const { namespace, connection } = this.#options;
    return readBindReply(await connection.query(bindCall(namespace, grantId, keys, transaction)));
  }

  async ended(transactions: readonly bigint[]): Promise<bigint[]> {
    return readEndedReply(await this.#options.connection.query(endedCall(transactions)));
  }
}
