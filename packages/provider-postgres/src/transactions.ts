import { LockError, type Binding, type Claim } from "@lock/core";
import { randomBytes } from "node:crypto";
import { explained } from "./failures.ts";
import { halves } from "./operations/advisory.ts";
import type { Rows } from "./rows.ts";

/** A client of `pg` in a transaction. */
interface PgTransaction {
  query(text: string): Promise<unknown>;
}

/** A transaction of drizzle. */
interface DrizzleTransaction {
  execute(text: string): PromiseLike<unknown>;
  /** Of drizzle itself; the same for transactions within it, which are savepoints. */
  readonly session?: { readonly client?: unknown };
}

export interface Bound {
  readonly grantId: string;
  readonly keys: readonly string[];
  /** The number that the transaction holds an advisory lock on. */
  readonly id: bigint;
  readonly connection: unknown;
}

/**
 * Grants that live with a transaction of the user's: their rows name a number on which the transaction holds an advisory lock, of the kind that
 * ends with it, and with nothing else. It is all that is ever asked of the user's connection; it waits for nobody and can't be refused.
 */
export class Transactions {
  readonly #bound = new Map<bigint, Bound>();

  get size(): number {
    return this.#bound.size;
  }

  async bind({ grantId, keys, transaction }: Binding, rows: Rows): Promise<void> {
    const id = randomBytes(8).readBigInt64BE(0);
    await lockIn(transaction, id);
    // Before the reply: a withdrawal may overtake that.
    this.#bound.set(id, { grantId, keys, id, connection: connectionOf(transaction) });
    const reply = await rows.bind(grantId, keys, id);
    if (reply !== "bound") this.#bound.delete(id);
    if (reply === "over") {
      throw new LockError(
        "LOCK_INVALID_ARGUMENT",
        "transactionManager is in no transaction: pass the client after BEGIN, or the transaction that drizzle hands to the callback",
        { keys },
      );
    }
    if (reply === "gone") throw new Error("The grant ended before it could be bound to the transaction");
  }

  /** The grant was given back, though its transaction goes on. */
  forget(grantId: string): void {
    for (const bound of this.#bound.values()) if (bound.grantId === grantId) this.#bound.delete(bound.id);
  }

  /** The claims that would wait for the end of their own transaction, unless what they were bound to is over already. */
  suspects(claims: readonly Claim[]): Map<Claim, readonly Bound[]> {
    const suspects = new Map<Claim, readonly Bound[]>();
    if (this.#bound.size === 0) return suspects;
    for (const claim of claims) {
      // A shared lock may be let in beside another of its own transaction.
      if (claim.transaction == null || !claim.wait || claim.limit !== 1) continue;
      const connection = connectionOf(claim.transaction);
      const own = [...this.#bound.values()].filter(
        (bound) => bound.connection === connection && claim.keys.some((key) => bound.keys.includes(key)),
      );
      if (own.length > 0) suspects.set(claim, own);
    }
    return suspects;
  }

  /** What those of them are refused with that would indeed. */
  async refusals(suspects: ReadonlyMap<Claim, readonly Bound[]>, rows: Rows): Promise<Map<Claim, LockError>> {
    const bound = [...new Set([...suspects.values()].flat())];
    // The same connection may be in a later transaction by now, or have gone back to a savepoint.
    const ended = new Set(await rows.ended(bound.map(({ id }) => id)));
    const refusals = new Map<Claim, LockError>();
    for (const [claim, own] of suspects) {
      const held = own.filter(({ id }) => !ended.has(id)).flatMap(({ keys }) => keys);
      const key = claim.keys.find((wanted) => held.includes(wanted));
      if (key !== undefined) refusals.set(claim, waitsForItself(key));
    }
    return refusals;
  }

  /** Hands on the keys of the transactions that are over. */
  async look(rows: Rows): Promise<void> {
    if (this.#bound.size === 0) return;
    const ended = (await rows.ended([...this.#bound.keys()])).map((id) => this.#bound.get(id));
    const over = ended.filter((bound) => bound !== undefined);
    if (over.length === 0) return;
    await rows.look([...new Set(over.flatMap(({ keys }) => keys))]);
    for (const { id } of over) this.#bound.delete(id);
  }
}

/** Whatever object stands for it, a transaction is known by its connection. */
function connectionOf(transaction: unknown): unknown {
  return (transaction as Partial<DrizzleTransaction>).session?.client ?? transaction;
}

function waitsForItself(key: string): LockError {
  return new LockError(
    "LOCK_REENTRANT",
    `This call would wait for itself: its transaction holds key ${JSON.stringify(key)} already, and does so until it is over`,
    { keys: [key] },
  );
}

async function lockIn(transaction: unknown, id: bigint): Promise<void> {
  const [high, low] = halves(id);
  const text = `SELECT pg_advisory_xact_lock(${high}, ${low})`;
  const manager = transaction as Partial<PgTransaction & DrizzleTransaction>;
  try {
    if (typeof manager.execute === "function") await manager.execute(text);
    else if (typeof manager.query === "function") await manager.query(text);
    else {
      throw new LockError(
        "LOCK_INVALID_ARGUMENT",
        "transactionManager must be a pg client inside a transaction, or a drizzle transaction",
      );
    }
  } catch (error) {
    throw explained(error);
  }
}
