import type { Claim } from "@lock/core";
import { knownHash } from "../key-hash.ts";
import { holdCall, readHoldReplies } from "../operations/hold.ts";
import { letGoCall, readLetGoReplies, undoCall, type LetGoOutcome } from "../operations/let-go.ts";
import type { LockSession } from "./lock-session.ts";

/** Each bare lock is an entry of the server's table of locks, which everybody shares. What is more is held by rows. */
const mostOfOneSession = 500;

/** For how many milliseconds after it was seen contended a key is asked for by rows, which is one statement instead of two. */
const contendedFor = 1_000;

export interface BareLock {
  readonly claimId: string;
  readonly keys: readonly string[];
  readonly hashes: readonly string[];
  readonly token: bigint;
  readonly session: LockSession;
}

/** A claim that is tried bare: its keys are reserved until `settle`, so that what wants them next comes after it. */
export interface Trial {
  readonly claim: Claim;
  readonly hashes: readonly string[];
  readonly done: Promise<void>;
  settle(): void;
}

/** Exclusive locks of `execute` without a row: the advisory locks of their keys in a lock session. Never one key twice: they stack. */
export class BareLocks {
  readonly #namespace: string;
  readonly #held = new Map<string, BareLock>();
  // How many keys each session carries, those included that are tried.
  readonly #carried = new Map<LockSession, number>();
  readonly #hashes = new Set<string>();
  readonly #trials = new Map<string, Trial>();
  readonly #contended = new Map<string, number>();

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  get size(): number {
    return this.#held.size;
  }

  find(claimId: string): BareLock | undefined {
    return this.#held.get(claimId);
  }

  /** Reserves the claim's keys for a try, unless it has to be asked for by rows. */
  reserve(claim: Claim, session: LockSession): Trial | undefined {
    if (claim.kind !== "execute" || claim.limit !== 1 || claim.transaction != null) return undefined;
    const hashes = this.hashesOf(claim.keys);
    if (this.#carriedBy(session) + hashes.length > mostOfOneSession) return undefined;
    const now = performance.now();
    for (const hash of hashes) {
      if (this.#hashes.has(hash) || this.#trials.has(hash)) return undefined;
      const until = this.#contended.get(hash);
      if (until === undefined) continue;
      if (until > now) return undefined;
      this.#contended.delete(hash);
    }
    // Two keys of one hash would be one lock taken twice.
    if (hashes.length > 1 && new Set(hashes).size < hashes.length) return undefined;
    let resolve = (): void => {};
    const done = new Promise<void>((settled) => (resolve = settled));
    let over = false;
    const settle = (): void => {
      if (over) return;
      over = true;
      for (const hash of hashes) if (this.#trials.get(hash) === trial) this.#trials.delete(hash);
      this.#carry(session, -hashes.length);
      resolve();
    };
    const trial: Trial = { claim, hashes, done, settle };
    for (const hash of hashes) this.#trials.set(hash, trial);
    this.#carry(session, hashes.length);
    return trial;
  }

  /** The tries that others have to come after who want these keys. */
  trialsFor(keys: readonly string[]): Trial[] {
    if (this.#trials.size === 0) return [];
    const found = this.hashesOf(keys).map((hash) => this.#trials.get(hash));
    return found.filter((trial) => trial !== undefined);
  }

  /** The locks that were had, `null` where a claim has to be asked for by rows. */
  async hold(session: LockSession, trials: readonly Trial[]): Promise<(BareLock | null)[]> {
    const all = trials.flatMap(({ hashes }) => hashes);
    let tokens: (bigint | null)[];
    try {
      const holds = trials.map(({ claim, hashes }) => ({ id: claim.id, hashes }));
      tokens = readHoldReplies(await session.query(holdCall(this.#namespace, holds)));
    } catch (error) {
      // An error takes back what a statement wrote, but not the advisory locks of a session.
      await session.query(undoCall(all)).catch((failure: unknown) => session.abandon(failure));
      throw error;
    }
    return trials.map(({ claim, hashes }, n) => {
      const token = tokens[n] ?? null;
      if (token === null) {
        this.contended(claim.keys);
        return null;
      }
      const lock = { claimId: claim.id, keys: claim.keys, hashes, token, session };
      // The answer may have come just before the end of its session was heard of.
      if (!session.open) throw new Error("The lock session ended");
      this.#held.set(claim.id, lock);
      this.#carry(session, hashes.length);
      for (const hash of hashes) this.#hashes.add(hash);
      return lock;
    });
  }

  /** Frees them, all of one session. Replies for each whether it was held still on every key, and the keys that somebody may wait for. */
  async letGo(
    session: LockSession,
    locks: readonly BareLock[],
  ): Promise<{ freed: boolean[]; wanted: string[] }> {
    let outcomes: LetGoOutcome[];
    try {
      const call = letGoCall(
        this.#namespace,
        locks.flatMap(({ hashes }) => hashes),
      );
      outcomes = readLetGoReplies(await session.query(call));
    } catch (error) {
      if (session.open) throw error;
      // Nobody can say for how long they were held before the session ended.
      return { freed: locks.map(() => false), wanted: [] };
    }
    const wanted: string[] = [];
    let at = 0;
    const freed = locks.map((lock) => {
      const ofLock = outcomes.slice(at, (at += lock.hashes.length));
      for (const [n, outcome] of ofLock.entries()) {
        const key = lock.keys[n];
        if (outcome === "wanted" && key !== undefined) wanted.push(key);
      }
      this.#forget(lock);
      return !ofLock.includes("gone");
    });
    this.contended(wanted);
    return { freed, wanted };
  }

  /** Whom these keys have brought together. */
  contended(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const until = performance.now() + contendedFor;
    if (this.#contended.size > 10_000) this.#contended.clear();
    for (const hash of this.hashesOf(keys)) this.#contended.set(hash, until);
  }

  /** The session is over. Returns the claims whose locks it carried. */
  lost(session: LockSession): string[] {
    const gone = [...this.#held.values()].filter((lock) => lock.session === session);
    for (const lock of gone) this.#forget(lock);
    return gone.map(({ claimId }) => claimId);
  }

  carries(session: LockSession): boolean {
    return this.#carriedBy(session) > 0;
  }

  hasRoom(session: LockSession): boolean {
    return this.#carriedBy(session) < mostOfOneSession;
  }

  hashesOf(keys: readonly string[]): string[] {
    return keys.map((key) => knownHash(this.#namespace, key).text);
  }

  #carriedBy(session: LockSession): number {
    return this.#carried.get(session) ?? 0;
  }

  #forget(lock: BareLock): void {
    const { claimId, hashes, session } = lock;
    if (this.#held.get(claimId) !== lock) return;
    this.#held.delete(claimId);
    for (const hash of hashes) this.#hashes.delete(hash);
    this.#carry(session, -hashes.length);
  }

  #carry(session: LockSession, more: number): void {
    const all = this.#carriedBy(session) + more;
    if (all > 0) this.#carried.set(session, all);
    else this.#carried.delete(session);
  }
}
