import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  timestamp,
} from "drizzle-orm/pg-core";
import type { PgSequence, PgTable } from "drizzle-orm/pg-core";

// Keys are compared byte by byte, whatever the database's collation holds for equal.
const bytes = customType<{ data: string; driverData: string }>({ dataType: () => 'text COLLATE "C"' });

/** Tokens and tickets. Without a cache: what is drawn later is greater, whichever session draws it. */
export const lockingSequence: PgSequence = pgSequence("locking_sequence", { cache: 1 });

/** Who holds what: one row for each key of a grant. What has expired counts as gone, and is swept some time later. */
export const locking: PgTable = pgTable(
  "locking",
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
    /** The grant under which its owner held the key before, should this one be withdrawn. */
    prior: jsonb("prior"),
  },
  (table) => [
    primaryKey({
      name: "locking_pkey",
      columns: [table.namespace, table.hash, table.claimId, table.position],
    }),
    // Partial: the locks of `execute` have no owner and need not pay for it.
    index("locking_owner")
      .on(table.namespace, table.ownerId, table.hash)
      .where(sql`owner_id IS NOT NULL`),
  ],
);

/** Who waits for what: one row for each key of a waiting claim, all with one ticket. */
export const lockingQueue: PgTable = pgTable(
  "locking_queue",
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
  },
  (table) => [
    primaryKey({
      name: "locking_queue_pkey",
      columns: [table.namespace, table.hash, table.ticket, table.position],
    }),
    index("locking_queue_claim").on(table.claimId),
  ],
);

/** Claims that were withdrawn while a request of theirs may still be on its way. */
export const lockingWithdrawn: PgTable = pgTable("locking_withdrawn", {
  claimId: bytes("claim_id").primaryKey(),
  expiresAt: timestamp("expires_at", { withTimezone: true, mode: "string" }).notNull(),
});
