import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  pgSequence,
  pgTable,
  primaryKey,
  timestamp,
} from "drizzle-orm/pg-core";
import type { PgSequence, PgTable } from "drizzle-orm/pg-core";
import { defaultTable, renaming, type Names } from "./names.ts";

// Keys are compared byte by byte, whatever the database's collation holds for equal.
const bytes = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' });

/** What an application exports from its drizzle schema, so that its own migrations make the tables. */
export interface LockingTables {
  /** Who holds what: one row for each key of a grant. What has expired counts as gone, and is swept some time later. */
  readonly locking: PgTable;
  /** Who waits for what: one row for each key of a waiting claim, all with one ticket. */
  readonly lockingQueue: PgTable;
  /** Claims that were withdrawn while a request of theirs may still be on its way. */
  readonly lockingWithdrawn: PgTable;
  /** Tokens and tickets. Without a cache: what is drawn later is greater, whichever session draws it. */
  readonly lockingSequence: PgSequence;
}

/**
 * The tables under the names that the provider is given as well.
 *
 * @throws {LockError} `LOCK_CONFIG` for a name that no schema or table may have.
 */
export function lockingTables({ schema, table = defaultTable }: Names = {}): LockingTables {
  renaming({ schema, table });
  // To drizzle, `public` is no schema of a table's own.
  const home = schema === undefined || schema === "public" ? undefined : pgSchema(schema);
  const makeTable = (home?.table ?? pgTable) as typeof pgTable;
  const makeSequence = home?.sequence ?? pgSequence;

  const locking = makeTable(
    table,
    {
      hash: bigint("hash", { mode: "bigint" }).notNull(),
      /** Of one sequence; the same on all rows of a grant. */
      token: bigint("token", { mode: "bigint" }).notNull(),
      expiresAt: timestamp("expires_at", { withTimezone: true, mode: "string" }).notNull(),
      /** How many may hold the key at once. */
      permits: doublePrecision("permits").notNull(),
      /** Of the key among the claim's: keeps rows apart whose keys have the same hash. */
      position: integer("position").notNull(),
      /** Handed over and not confirmed yet. */
      provisional: boolean("provisional").notNull(),
      namespace: bytes("namespace").notNull(),
      key: bytes("key").notNull(),
      claimId: bytes("claim_id").notNull(),
      kind: bytes("kind").notNull(),
      ownerId: bytes("owner_id"),
      /** What it lives with: the number that a lock session or a transaction holds an advisory lock on. `null`: its expiry alone. */
      session: bigint("session", { mode: "bigint" }),
      /** The grant under which its owner held the key before, should this one be withdrawn; in it the one before that, and so on. */
      prior: jsonb("prior"),
    },
    (columns) => [
      primaryKey({
        name: `${table}_pkey`,
        columns: [columns.namespace, columns.hash, columns.claimId, columns.position],
      }),
      // Partial: the locks of `execute` have no owner and need not pay for it.
      index(`${table}_owner`)
        .on(columns.namespace, columns.ownerId, columns.hash)
        .where(sql`owner_id IS NOT NULL`),
    ],
  );

  const lockingQueue = makeTable(
    `${table}_queue`,
    {
      hash: bigint("hash", { mode: "bigint" }).notNull(),
      /** The place, of the same sequence as the tokens. */
      ticket: bigint("ticket", { mode: "bigint" }).notNull(),
      /** When the place ends if nobody asks for it again. */
      expiresAt: timestamp("expires_at", { withTimezone: true, mode: "string" }).notNull(),
      permits: doublePrecision("permits").notNull(),
      /** Milliseconds that a grant is to last. */
      lease: doublePrecision("lease").notNull(),
      position: integer("position").notNull(),
      /** How many keys the claim has. */
      size: integer("size").notNull(),
      namespace: bytes("namespace").notNull(),
      key: bytes("key").notNull(),
      claimId: bytes("claim_id").notNull(),
      kind: bytes("kind").notNull(),
      ownerId: bytes("owner_id"),
      /** Where to tell the waiter; `null`: it polls. */
      channel: bytes("channel"),
      /** What its grant is to live with. */
      session: bigint("session", { mode: "bigint" }),
    },
    (columns) => [
      primaryKey({
        name: `${table}_queue_pkey`,
        columns: [columns.namespace, columns.hash, columns.ticket, columns.position],
      }),
      index(`${table}_queue_claim`).on(columns.claimId),
    ],
  );

  const lockingWithdrawn = makeTable(`${table}_withdrawn`, {
    claimId: bytes("claim_id").primaryKey(),
    expiresAt: timestamp("expires_at", { withTimezone: true, mode: "string" }).notNull(),
  });
  const lockingSequence = makeSequence(`${table}_sequence`, { cache: 1 });
  return { locking, lockingQueue, lockingWithdrawn, lockingSequence };
}

const tables = lockingTables();
export const locking: PgTable = tables.locking;
export const lockingQueue: PgTable = tables.lockingQueue;
export const lockingWithdrawn: PgTable = tables.lockingWithdrawn;
export const lockingSequence: PgSequence = tables.lockingSequence;
