import type { Awaitable, Claim, Logger, StoreEvents, TakeReply } from "@lock/core";
import type { Connection } from "./connection.ts";
import { readStillQueuedReply, stillQueuedCall } from "./operations/still-queued.ts";

/** Milliseconds between two looks for all claims of the instance. */
const interval = 25;
/** Milliseconds for which an answer holds, if the claim is in the queue still. */
const fresh = 500;
/** More claims than that are looked for in turns. */
const most = 2_000;

type Queued = Extract<TakeReply, { status: "queued" }>;

interface Answer {
  readonly reply: Queued;
  readonly since: number;
  readonly until: number;
}

export interface PolledClaimsOptions {
  readonly connection: Connection;
  readonly events: StoreEvents;
  readonly logger: Logger;
}

/**
 * Waiting where no notification comes: one statement in 25 ms looks for all claims of the instance which of them are out of the queue, and tells
 * those to ask. Claims that ask by themselves meanwhile wait for that look and are given the answer they had, if it is not older than half a second
 * and names no lease that has ended since; so the number of statements hardly grows with the number of waiters.
 */
export class PolledClaims {
  readonly #options: PolledClaimsOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #curious: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #next = 0;

  constructor(options: PolledClaimsOptions) {
    this.#options = options;
  }

  async take(
    claims: readonly Claim[],
    ask: (claims: readonly Claim[]) => Awaitable<readonly TakeReply[]>,
  ): Promise<TakeReply[]> {
    // Where a statement has to be sent anyway, the others ask along.
    const asksAnyway = claims.some(({ id }) => this.#known(id) === undefined);
    if (!asksAnyway) await this.#nextLook();
    const known = claims.map(({ id }) => (asksAnyway ? undefined : this.#known(id)));
    const open = claims.filter((_, n) => known[n] === undefined);
    const now = performance.now();
    const replies = open.length > 0 ? await ask(open) : [];
    let at = 0;
    return claims.map(({ id }, n) => known[n] ?? this.#note(id, replies[at++] as TakeReply, now));
  }

  /** It does not wait any more. */
  forget(claimId: string): void {
    this.#answers.delete(claimId);
    if (this.#answers.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const tell of this.#curious.splice(0)) tell();
  }

  #known(claimId: string): Queued | undefined {
    const now = performance.now();
    const answer = this.#answers.get(claimId);
    if (answer === undefined || now >= answer.until) return undefined;
    return { ...answer.reply, checkIn: answer.reply.checkIn - (now - answer.since) };
  }

  #note(claimId: string, reply: TakeReply, now: number): TakeReply {
    if (reply.status !== "queued") {
      this.forget(claimId);
      return reply;
    }
    this.#answers.set(claimId, { reply, since: now, until: now + Math.min(fresh, reply.checkIn) });
    this.#timer ??= setInterval(() => this.#beat(), interval).unref();
    return reply;
  }

  /** Resolves when a look is over that began after this, or failed. */
  #nextLook(): Promise<void> {
    return new Promise((resolve) => this.#curious.push(resolve));
  }

  #beat(): void {
    if (this.#looking) return;
    this.#looking = true;
    const curious = this.#curious.splice(0);
    this.#look()
      .catch((error: unknown) => {
        // Who is curious finds out by asking.
        this.#answers.clear();
        this.#options.logger.debug(`Looking for claims that have their turn failed: ${String(error)}`);
      })
      .finally(() => {
        this.#looking = false;
        for (const tell of curious) tell();
        if (this.#answers.size === 0) this.stop();
      });
  }

  async #look(): Promise<void> {
    const { connection, events } = this.#options;
    const all = [...this.#answers.keys()];
    const start = this.#next < all.length ? this.#next : 0;
    this.#next = start + most;
    const asked = new Map(all.slice(start, start + most).map((id) => [id, this.#answers.get(id)]));
    const queued = readStillQueuedReply(await connection.query(stillQueuedCall([...asked.keys()])));
    // One that asked meanwhile knows better.
    const out = [...asked].filter(([id, answer]) => !queued.has(id) && this.#answers.get(id) === answer);
    for (const [id] of out) this.forget(id);
    if (out.length > 0) events.wake(out.map(([id]) => id));
  }
}
