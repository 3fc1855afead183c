import type { Claim, Logger, Release, ReleaseReply, StoreEvents, TakeReply } from "@lock/core";
import { SessionEnded } from "../operations/take.ts";
import type { Rows } from "../rows.ts";
import { BareLocks, type BareLock, type Trial } from "./bare-locks.ts";
import type { LockSession } from "./lock-session.ts";
import { LockSessions, type LockSessionsOptions } from "./lock-sessions.ts";
import { claimOf, Owed } from "./owed.ts";
import { Withdrawn } from "./withdrawn.ts";

export interface SessionLocksOptions extends Omit<LockSessionsOptions, "lost"> {
  readonly rows: Rows;
  readonly events: StoreEvents;
  readonly logger: Logger;
}

/** For how many milliseconds a session that locks live with may be silent before it is asked for a sign of life. */
const quietFor = 2_000;

/** The locks of `execute` in session mode: bare where nobody else wants the keys, else rows that name a session. */
export class SessionLocks {
  readonly #options: SessionLocksOptions;
  readonly #sessions: LockSessions;
  readonly #bare: BareLocks;
  // What the rows of a claim, waiting or granted, live with.
  readonly #named = new Map<string, LockSession>();
  // What they lived with that is lost, until they are asked for again.
  readonly #former = new Map<string, LockSession>();
  readonly #trying = new Map<string, Promise<void>>();
  readonly #withdrawn = new Withdrawn();
  readonly #owed = new Owed();

  constructor(options: SessionLocksOptions) {
    this.#options = options;
    this.#bare = new BareLocks(options.namespace);
    this.#sessions = new LockSessions({
      ...options,
      lost: (session, cause) => this.#lost(session, cause),
    });
  }

  async start(): Promise<void> {
    await this.#sessions.start();
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    const replies: (TakeReply | undefined)[] = claims.map((claim) => grantOf(this.#bare.find(claim.id)));
    const wants = claims.some((claim, n) => claim.kind === "execute" && replies[n] === undefined);
    const session = wants
      ? (this.#sessions.any((each) => this.#bare.hasRoom(each)) ??
        (await this.#sessions.opened().catch((error: unknown) => ({ error }))))
      : undefined;
    const trials: Trial[] = [];
    const earlier: Promise<void>[] = [];
    for (const [n, claim] of claims.entries()) {
      if (replies[n] !== undefined) continue;
      if (claim.kind === "execute" && session !== undefined && "error" in session) {
        replies[n] = { status: "failed", error: session.error };
        continue;
      }
      const before = this.#bare.trialsFor(claim.keys);
      const trial =
        session === undefined || this.#named.has(claim.id) || this.#withdrawn.has(claim.id)
          ? undefined
          : this.#bare.reserve(claim, session as LockSession);
      if (trial !== undefined) trials.push(trial);
      else earlier.push(...before.filter((each) => !trials.includes(each)).map(({ done }) => done));
    }
    try {
      if (trials.length > 0) await this.#hold(session as LockSession, trials, claims, replies);
      // Who was tried first is first: only then may others ask for the same keys.
      if (earlier.length > 0) await Promise.all(earlier);
      await this.#takeRows(session as LockSession | undefined, claims, replies);
    } finally {
      for (const trial of trials) trial.settle();
    }
    return replies as TakeReply[];
  }

  /**
   * The replies as the engine may have them. A session that ended while they were under way was told of before anybody held the grants: these
   * are none.
   */
  confirmed(claims: readonly Claim[], replies: readonly TakeReply[]): TakeReply[] {
    return replies.map((reply, n) => {
      const { id, kind } = claims[n] as Claim;
      if (reply.status !== "granted" || kind !== "execute") return reply;
      const lives = this.#bare.find(id) !== undefined || this.#named.get(id)?.open === true;
      return lives ? reply : { status: "failed", error: new SessionEnded() };
    });
  }

  /** Those that are held bare; the others are not answered here. */
  renews(grantId: string): "bare" | "row" | undefined {
    if (this.#bare.find(grantId) !== undefined) return "bare";
    return this.#named.has(grantId) ? "row" : undefined;
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    const [only] = releases;
    if (releases.length === 1 && only?.by === "grant" && !only.tombstone) {
      const lock = this.#bare.find(only.grantId);
      if (lock !== undefined) return this.#releaseBare(only, lock);
    }
    const due = releases.filter((release) => {
      const id = claimOf(release);
      return this.renews(id) !== undefined || this.#trying.has(id) || this.#owed.has(id);
    });
    try {
      const replies = await this.#release(releases);
      this.#owed.note(due, releases, replies);
      return replies;
    } catch (error) {
      this.#owed.note(due, releases, null);
      throw error;
    }
  }

  /** What comes most often. */
  async #releaseBare(release: Release, lock: BareLock): Promise<ReleaseReply[]> {
    this.forget(lock.claimId);
    const replies = await this.#letGo(lock.session, [lock]);
    this.#owed.note([release], [release], replies);
    return replies;
  }

  async #release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    for (const release of releases) {
      const trying = release.by === "claim" ? this.#trying.get(release.claimId) : undefined;
      if (trying !== undefined) await trying;
    }
    const answered = new Map<number, ReleaseReply>();
    const bySession = new Map<LockSession, { n: number; lock: BareLock }[]>();
    const first = new Map<BareLock, number>();
    const repeats: { n: number; of: number }[] = [];
    for (const [n, release] of releases.entries()) {
      if (release.by === "owner") continue;
      const id = claimOf(release);
      if (release.tombstone) this.#withdrawn.add(id);
      this.forget(id);
      const lock = this.#bare.find(id);
      if (lock === undefined) continue;
      const of = first.get(lock);
      if (of !== undefined) {
        repeats.push({ n, of });
        continue;
      }
      first.set(lock, n);
      const ofSession = bySession.get(lock.session);
      if (ofSession === undefined) bySession.set(lock.session, [{ n, lock }]);
      else ofSession.push({ n, lock });
    }
    const lettingGo = Array.from(bySession, async ([session, held]) => {
      const locks = held.map(({ lock }) => lock);
      for (const [at, reply] of (await this.#letGo(session, locks)).entries())
        answered.set((held[at] as { n: number }).n, reply);
    });
    await Promise.all(lettingGo);
    // It frees nothing that was not freed just before.
    for (const { n, of } of repeats) {
      const reply = answered.get(of) as ReleaseReply;
      answered.set(n, reply.status === "failed" ? reply : { status: "released", freed: false });
    }
    // A tombstone is a row, whatever it is for.
    const others = releases.filter(
      (release, n) => !answered.has(n) || (release.by !== "owner" && release.tombstone),
    );
    const replies = others.length > 0 ? await this.#options.rows.release(others) : [];
    return releases.map(
      (release, n) => answered.get(n) ?? (replies[others.indexOf(release)] as ReleaseReply),
    );
  }

  /** The grant lives with something else from now on. */
  forget(claimId: string): void {
    this.#named.delete(claimId);
    this.#former.delete(claimId);
  }

  /** Finds out about sessions whose connection is dead without having been cut. `late`: this process stood still for a while. */
  check(now: number, late: boolean): void {
    const named = new Set(this.#named.values());
    for (const session of [...this.#sessions.open]) {
      const used = named.has(session) || this.#bare.carries(session);
      session.check(now, late, used ? quietFor : Infinity);
    }
    this.#owed.pay(async (releases) => this.release(releases));
  }

  async close(): Promise<void> {
    await this.#sessions.close();
  }

  async #hold(
    session: LockSession,
    trials: readonly Trial[],
    claims: readonly Claim[],
    replies: (TakeReply | undefined)[],
  ): Promise<void> {
    const held = this.#bare.hold(session, trials);
    const tried = held.then(
      () => {},
      () => {},
    );
    for (const { claim } of trials) this.#trying.set(claim.id, tried);
    try {
      const locks = await held;
      for (const [at, { claim, settle }] of trials.entries()) {
        const granted = grantOf(locks[at] ?? undefined);
        if (granted === undefined) continue;
        replies[claims.indexOf(claim)] = granted;
        settle();
      }
    } catch (error) {
      for (const { claim } of trials) replies[claims.indexOf(claim)] = { status: "failed", error };
    } finally {
      for (const { claim } of trials) this.#trying.delete(claim.id);
    }
  }

  async #takeRows(
    session: LockSession | undefined,
    claims: readonly Claim[],
    replies: (TakeReply | undefined)[],
  ): Promise<void> {
    const rest: number[] = [];
    for (const [n, claim] of claims.entries()) {
      replies[n] ??= grantOf(this.#bare.find(claim.id)) ?? this.#undecided(claim.id);
      if (replies[n] === undefined) rest.push(n);
    }
    if (rest.length === 0) return;
    const asked = rest.map((n) => {
      const claim = claims[n] as Claim;
      if (claim.kind !== "execute" || session === undefined) return claim;
      const before = this.#named.get(claim.id);
      const named = before?.open === true ? before : session;
      this.#named.set(claim.id, named);
      return { ...claim, session: named.id, lease: Infinity };
    });
    try {
      const answers = await this.#options.rows.take(asked);
      for (const [at, n] of rest.entries()) {
        const reply = answers[at] as TakeReply;
        const { id, keys } = claims[n] as Claim;
        replies[n] = reply;
        if (reply.status === "failed" && reply.error instanceof SessionEnded) this.#named.get(id)?.ask();
        if (reply.status === "busy" || reply.status === "withdrawn") this.#named.delete(id);
        if (reply.status === "busy" || reply.status === "queued") this.#bare.contended(keys);
      }
    } catch (error) {
      for (const n of rest) replies[n] = { status: "failed", error };
    }
  }

  /** A row of the claim may name a session that is lost and count until the server has ended that: not a grant to be had. */
  #undecided(claimId: string): TakeReply | undefined {
    const former = this.#former.get(claimId);
    if (former === undefined) return undefined;
    if (this.#sessions.ending(former)) return { status: "failed", error: new SessionEnded() };
    this.#former.delete(claimId);
    return undefined;
  }

  async #letGo(session: LockSession, locks: readonly BareLock[]): Promise<ReleaseReply[]> {
    try {
      const { freed, wanted } = await this.#bare.letGo(session, locks);
      // Should that fail, the next look of who waits finds the keys free.
      if (wanted.length > 0) await this.#options.rows.look(wanted).catch(() => {});
      return freed.map((each) => ({ status: "released", freed: each }));
    } catch (error) {
      return locks.map(() => ({ status: "failed", error }));
    }
  }

  #lost(session: LockSession, cause: unknown): void {
    const { events, logger } = this.#options;
    const gone = this.#bare.lost(session);
    for (const [id, named] of this.#named) {
      if (named !== session) continue;
      gone.push(id);
      this.#named.delete(id);
      this.#former.set(id, session);
    }
    // An idle one is replaced when it is needed, and is no loss.
    logger[gone.length === 0 ? "debug" : "warn"](
      `A connection that locks live with ended, and with it ${gone.length} claims: ${String(cause)}`,
    );
    events.lost(gone, cause);
    // Those that wait are in the queue still, but with a session that is over.
    events.wake(gone);
  }
}

/** It lasts as long as its session. */
function grantOf(lock: BareLock | undefined): TakeReply | undefined {
  if (lock === undefined) return undefined;
  return { status: "granted", grantId: lock.claimId, token: lock.token, remaining: Infinity };
}
