import type { Logger } from "@lock/core";
import type { Connection } from "../connection.ts";
import { endSessionCall, readEndReply } from "../operations/end-sessions.ts";
import { LockSession, type LockSessionOptions } from "./lock-session.ts";

const firstPause = 50;
const longestPause = 2_000;

export interface LockSessionsOptions extends LockSessionOptions {
  /** How many. */
  readonly sessions: number;
  readonly connection: Connection;
  readonly logger: Logger;
}

/** The few sessions of one instance. One that is lost is replaced, and the server told to end it, should it not know yet. */
export class LockSessions {
  readonly #options: LockSessionsOptions;
  readonly #open: LockSession[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting = new Set<(session: LockSession | Error) => void>();
  // Lost here, and perhaps not ended in the server yet.
  readonly #ending = new Set<LockSession>();
  #next = 0;
  #closed = false;

  constructor(options: LockSessionsOptions) {
    this.#options = options;
  }

  get open(): readonly LockSession[] {
    return this.#open;
  }

  /** Whether the server may hold a session that is lost for alive, and with it the rows that name it. */
  ending(session: LockSession): boolean {
    return this.#ending.has(session);
  }

  /** Opens them. One is enough: the others follow when they can be had. */
  async start(): Promise<void> {
    const { sessions } = this.#options;
    const outcomes = await Promise.allSettled(Array.from({ length: sessions }, () => this.#start()));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    const [first] = failed;
    if (failed.length === sessions && first !== undefined) throw first.reason;
    for (const _ of failed) this.#startLater(0);
  }

  /**
   * The first that is idle and has room, so that who asks for one lock after the other keeps to one connection: its process in the server is
   * warm, which makes a quarter of the time. Else the next in turn.
   */
  any(hasRoom: (session: LockSession) => boolean): LockSession | undefined {
    for (const session of this.#open) if (session.idle && hasRoom(session)) return session;
    return this.#open[this.#next++ % Math.max(1, this.#open.length)];
  }

  /** Where none is open: the first that opens. */
  async opened(): Promise<LockSession> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(new Error("PostgreSQL gives no session that locks could live with")),
        this.#options.callTimeout,
      );
      const settle = (outcome: LockSession | Error): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#waiting.add(settle);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const settle of this.#waiting) settle(new Error("The PostgreSQL provider is closed"));
    await Promise.all(this.#open.splice(0).map((session) => session.close()));
  }

  async #start(): Promise<void> {
    const session = new LockSession({
      ...this.#options,
      lost: (lost, cause) => this.#lost(lost, cause),
    });
    await session.start();
    if (this.#closed) return session.close();
    this.#open.push(session);
    for (const settle of this.#waiting) settle(session);
  }

  #lost(session: LockSession, cause: unknown): void {
    if (this.#closed) return;
    this.#open.splice(this.#open.indexOf(session), 1);
    this.#ending.add(session);
    this.#options.lost(session, cause);
    this.#endInServer(session, 0);
    this.#startLater(0);
  }

  /** The server may hold a connection for open that is cut on our side: nobody else could have its locks until it notices. */
  #endInServer(session: LockSession, failures: number): void {
    const again = (): void => this.#later(failures, (more) => this.#endInServer(session, more));
    this.#options.connection.query(endSessionCall(session.id)).then((rows) => {
      if (readEndReply(rows)) this.#ending.delete(session);
      else again();
    }, again);
  }

  #startLater(failures: number): void {
    this.#later(failures, (more) => {
      this.#start().catch((error: unknown) => {
        this.#options.logger.debug(`Opening a lock session failed: ${String(error)}`);
        // Who waits for one hears why there is none; it asks again while its time lasts.
        for (const settle of this.#waiting) settle(error instanceof Error ? error : new Error(String(error)));
        this.#startLater(more);
      });
    });
  }

  /** At once at first, then after longer and longer pauses. */
  #later(failures: number, act: (failures: number) => void): void {
    if (this.#closed) return;
    const pause = failures === 0 ? 0 : Math.min(firstPause * 2 ** failures, longestPause);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        act(failures + 1);
      },
      pause * (0.5 + Math.random() / 2),
    );
    timer.unref();
    this.#timers.add(timer);
  }
}
