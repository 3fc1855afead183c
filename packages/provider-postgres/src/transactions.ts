import { LockError, type Binding } from "@lock/core";
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
}

interface Bound {
  readonly keys: readonly string[];
  /** The number that the transaction holds an advisory lock on. */
  readonly id: bigint;
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
    const reply = await rows.bind(grantId, keys, id);
    if (reply === "over") {
      throw new LockError(
        "LOCK_INVALID_ARGUMENT",
        "transactionManager is in no transaction: pass the client after BEGIN, or the transaction that drizzle hands to the callback",
        { keys },
      );
    }
    if (reply === "gone") throw new Error("The grant ended before it could be bound to the transaction");
    this.#bound.set(id, { keys, id });
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
