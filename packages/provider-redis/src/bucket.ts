import type { Claim, KeyState, LockStore, ReleaseReply, Renewal, RenewReply, TakeReply } from "@lock/core";
import type { Connection } from "./connection.ts";
import type { KeyLayout } from "./key-layout.ts";
import { decodeInspect, encodeInspect } from "./operations/inspect.ts";
import { decodeReleaseAll, encodeReleaseAll, type Stage, START } from "./operations/release-all.ts";
import { decodeRelease, encodeRelease, type NotedRelease } from "./operations/release.ts";
import { decodeRenew, encodeRenew } from "./operations/renew.ts";
import { encodeSeal, type Seal } from "./operations/seal.ts";
import { decodeStand, encodeStand, type Stand, type StandReply } from "./operations/stand.ts";
import { encodeSuccession, givesTokens, isServerUnknown, onCluster } from "./operations/succession.ts";
import { decodeTake, encodeTake } from "./operations/take.ts";
import { type Replicas, unconfirmed } from "./replication.ts";
import type { ScriptCall } from "./script.ts";

/** Milliseconds that what is written for replicas stands. */
const MARK_LIFETIME = 60_000;

/** What a store does with locks, once it is connected: one bucket of it, or many. */
export type Locks = Required<Pick<LockStore, "take" | "renew" | "release" | "releaseAll" | "inspect">> & {
  /** Makes itself known to the server, so that the first lock takes one command. */
  open(): Promise<void>;
};

/** The locks that live in one slot, each step of theirs one script. */
export class Bucket implements Locks {
  readonly layout: KeyLayout;
  readonly #connection: Connection;
  readonly #channel: string;
  readonly #process: string;
  readonly #replicas: Replicas | null;
  #marks = 0;
  // The greatest token given to this process: a server that knows less has lost some.
  #seen = 0;
  // On which standing of the connection the server was last made sure of.
  #sureOf = -1;
  #succession: Promise<number> | null = null;

  /** `channel`: on which the process hears of its grants, "" for none. `process`: unique among all processes. */
  constructor(
    connection: Connection,
    layout: KeyLayout,
    channel: string,
    process: string,
    replicas: Replicas | null,
  ) {
    this.#replicas = replicas;
    this.#connection = connection;
    this.layout = layout;
    this.#channel = channel;
    this.#process = process;
  }

  async open(): Promise<void> {
    await this.#succeed();
  }

  take(claims: readonly Claim[]): Promise<TakeReply[]> {
    return this.#replicas === null ? this.takePart(claims) : this.#takeConfirmed(claims);
  }

  async #takeConfirmed(claims: readonly Claim[]): Promise<TakeReply[]> {
    const replies = await this.takePart(claims);
    const grants = replies.flatMap((reply, n) => {
      const claim = claims[n] as Claim;
      const { keys, limit } = claim;
      return reply.status === "granted" ? [{ n, claim, keys, limit, grantId: reply.grantId }] : [];
    });
    const outcomes = await this.confirm(grants);
    const refused = grants.filter((_, n) => outcomes[n] !== null);
    await giveBack(this, refused);
    for (const [n, grant] of grants.entries()) {
      const error = outcomes[n];
      if (error) replies[grant.n] = { status: "failed", error };
    }
    return replies;
  }

  /** What of a claim lives here. It counts when it is confirmed together with the rest. */
  async takePart(claims: readonly Claim[]): Promise<TakeReply[]> {
    const replies = decodeTake(claims, await this.#run(encodeTake(this.layout, this.#channel, claims)));
    for (let n = 0; n < replies.length; n += 1) this.#learn(claims[n] as Claim, replies[n] as TakeReply);
    return replies;
  }

  /**
   * Waits until as many replicas as are asked for have these grants; of each, why it does not count, or `null`. Whatever this connection
   * writes after a grant was there reaches replicas after the grant did, also one that was handed over by somebody else's release.
   */
  async confirm(
    grants: readonly Pick<Claim & { readonly grantId: string }, "grantId" | "keys" | "limit">[],
  ): Promise<(Error | null)[]> {
    const replicas = this.#replicas;
    if (replicas === null || grants.length === 0) return grants.map(() => null);
    const looks = grants.map(({ grantId, keys: [key = ""], limit }) =>
      limit === 1 ? ["get", this.layout.holders(key)] : ["zscore", this.layout.ends(key), grantId],
    );
    const [, ...found] = await this.#connection.inOneGo([
      ["set", this.layout.written, "", "PX", MARK_LIFETIME],
      ...looks,
      ["wait", replicas.min, replicas.timeout],
    ]);
    const confirmed = Number(found.at(-1));
    return grants.map(({ grantId, limit }, n) => {
      if (confirmed < replicas.min) return unconfirmed(replicas, confirmed);
      // Another server may have taken over since it was granted.
      const one = limit === 1 && String(found[n]).startsWith(`${grantId} `);
      if (one || (limit !== 1 && found[n] !== null)) return null;
      return new Error("The grant was gone before replicas could confirm it");
    });
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    return decodeRenew(renewals, await this.#run(this.#guarded(encodeRenew(this.layout, renewals))));
  }

  async release(releases: readonly NotedRelease[]): Promise<ReleaseReply[]> {
    const mark = releases.some((release) => release.by === "owner") ? this.#mark() : null;
    return decodeRelease(await this.#run(this.#guarded(encodeRelease(this.layout, releases, mark))));
  }

  /** Resolves with the token that the grant has from now on; 0: it is not held any more. */
  async seal(seal: Seal): Promise<number> {
    const token = Number(await this.#run(this.#guarded(encodeSeal(this.layout, seal))));
    this.see(token);
    return token;
  }

  /** Whether a lock that is handed on inside this process may go on so. */
  async stand(request: Omit<Stand, "channel">): Promise<StandReply> {
    const channel = this.#channel;
    const reply = decodeStand(await this.#run(encodeStand(this.layout, { ...request, channel })));
    if (reply.status === "held") this.see(reply.lastToken);
    return reply;
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    const stages: readonly Stage[] = ownerId === null ? ["unbounded", "awaited"] : [{ ownerId }];
    for (const stage of stages) {
      let walk = START;
      do {
        // Further steps, and what is handed on, are the same when they are done twice.
        const mark = walk === START && stage !== "awaited" ? this.#mark() : null;
        const call = encodeReleaseAll(this.layout, stage, walk, mark);
        walk = decodeReleaseAll(await this.#run(this.#guarded(call)));
      } while (walk.cursor !== START.cursor);
    }
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return decodeInspect(keys, await this.#run(this.#guarded(encodeInspect(this.layout, keys))));
  }

  /** By what the server knows a request that the client may send a second time by itself. */
  #mark(): string | null {
    if (!this.#connection.resends) return null;
    this.#marks += 1;
    return `${this.#process}-${this.#marks.toString(36)}`;
  }

  #learn(claim: Claim, reply: TakeReply): void {
    if (reply.status !== "granted") return;
    const token = Number(reply.token);
    // A fresh grant (or one whose first answer was lost) with a token of before: did the server lose its data? It is looked at before the next.
    if (token < this.#seen && reply.grantId === claim.id && reply.remaining === claim.lease)
      this.#sureOf = -1;
    this.see(token);
  }

  /** A grant was handed over to this process. */
  see(token: number): void {
    if (token > this.#seen) this.#seen = token;
  }

  #run(call: ScriptCall): Promise<unknown> {
    const connection = this.#connection;
    const sure = connection.ready && this.#sureOf === connection.standing && !connection.cluster;
    return sure ? connection.run(call) : this.#runSurely(call);
  }

  async #runSurely(call: ScriptCall): Promise<unknown> {
    const connection = this.#connection;
    if (!givesTokens(call)) return connection.run(this.#asSent(call));
    await connection.stands();
    // Kept here: another's answer may raise a new doubt before this one goes on, and then the next looks again.
    const sureOf = this.#sureOf === connection.standing ? this.#sureOf : await this.#succeed();
    try {
      return await connection.run(this.#asSent(call), sureOf);
    } catch (error) {
      // The slot has changed hands since.
      if (!isServerUnknown(error)) throw error;
      return connection.run(this.#asSent(call), await this.#succeed());
    }
  }

  #asSent(call: ScriptCall): ScriptCall {
    return this.#connection.cluster ? { ...call, script: onCluster(call.script) } : call;
  }

  /** Makes sure that the counter is ahead of all tokens, whichever server has it now; resolves with the standing it is sure of. */
  #succeed(): Promise<number> {
    this.#succession ??= this.#takeOver().finally(() => {
      this.#succession = null;
    });
    return this.#succession;
  }

  async #takeOver(): Promise<number> {
    const { cluster } = this.#connection;
    let standing: number;
    do {
      await this.#connection.stands();
      standing = this.#connection.standing;
      await this.#connection.run(encodeSuccession(this.layout, this.#seen, cluster));
    } while (standing !== this.#connection.standing);
    this.#sureOf = standing;
    return standing;
  }

  /**
   * On a cluster, a request whose keys all exist would be carried out on a slot that moves, and find the keys that it doesn't name gone.
   * One that names a key that never exists is told to try again, until the slot has moved. (A take names its tombstones.)
   */
  #guarded(call: ScriptCall): ScriptCall {
    return this.#connection.cluster ? { ...call, keys: [...call.keys, this.layout.nothing] } : call;
  }
}

async function giveBack(bucket: Bucket, grants: readonly { readonly claim: Claim }[]): Promise<void> {
  if (grants.length === 0) return;
  await bucket.release(
    grants.map(({ claim: { id: claimId, keys } }) => ({ by: "claim", claimId, keys, tombstone: false })),
  );
}
