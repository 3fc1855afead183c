import { LockError } from "@lock/core";
import { and, getTableColumns, getTableName, sql, type SQL } from "drizzle-orm";
import { bigint } from "drizzle-orm/pg-core";
import type {
  IndexColumn,
  PgBigInt64BuilderInitial,
  PgColumn,
  PgDatabase,
  PgInsertValue,
  PgQueryResultHKT,
  PgTable,
} from "drizzle-orm/pg-core";
import type { HasDefault, NotNull } from "drizzle-orm";
import { defaultColumn, staleWrite, tokenOf, type Fence } from "./fence.ts";

export type { Fence } from "./fence.ts";

/** A drizzle database over PostgreSQL, or a transaction of one. */
export type FencedDatabase = Pick<PgDatabase<PgQueryResultHKT>, "execute" | "insert" | "update">;

export interface FencedUpdate<Table extends PgTable> {
  readonly table: Table;
  readonly set: Partial<PgInsertValue<Table>>;
  readonly where: SQL | undefined;
  /** The column that keeps the token. Default: the table's column that the database calls `fencing_token`. */
  readonly column?: PgColumn | undefined;
}

export interface FencedUpsert<Table extends PgTable> {
  readonly table: Table;
  readonly values: PgInsertValue<Table>;
  /** The columns of the unique index by which a row is found that is there already. */
  readonly target: IndexColumn | IndexColumn[];
  /** What is set in such a row. Default: `values`. */
  readonly set?: Partial<PgInsertValue<Table>> | undefined;
  /** The column that keeps the token. Default: the table's column that the database calls `fencing_token`. */
  readonly column?: PgColumn | undefined;
}

/** The column that keeps the token of the last write. */
export function fencingToken<Name extends string = typeof defaultColumn>(
  name: Name = defaultColumn as Name,
): HasDefault<NotNull<PgBigInt64BuilderInitial<Name>>> {
  return bigint(name, { mode: "bigint" })
    .notNull()
    .default(sql`0`);
}

/**
 * The condition that a row was not written under a later token: for statements that the functions here don't make. What it
 * refuses is counted as no row; it raises no token.
 */
export function notOlder(column: PgColumn, fence: Fence): SQL {
  return sql`coalesce(${column}, 0) <= ${driverToken(fence)}`;
}

/**
 * Updates rows unless one of them was written under a later token, and leaves the token of `fence` in them: one statement, all of the
 * rows or none. Returns the rows as written; none where no row matches.
 *
 * @throws {LockLostError} `LOCK_LOST` where one was; nothing is written then.
 */
export async function fencedUpdate<Table extends PgTable>(
  db: FencedDatabase,
  fence: Fence,
  { table, set, where, column }: FencedUpdate<Table>,
): Promise<Table["$inferSelect"][]> {
  const [property, kept] = tokenColumn(table, column);
  const columns = Object.entries(getTableColumns(table));
  const returned = columns.map(([name, each], n) => [name, sql`${each}`.as(`lock_column_${n}`)] as const);
  const newest = sql`(SELECT n.token FROM lock_newest n)`;
  const update = db
    .update(table as PgTable)
    .set({ ...set, [property]: driverToken(fence) })
    .where(and(where, sql`${newest} <= ${driverToken(fence)}`))
    .returning(Object.fromEntries(returned));
  // As in `fencing.ts`: the rows are locked first, so that what is found out about them holds when they are written.
  const result: unknown = await db.execute(sql`
WITH lock_found AS MATERIALIZED (
  SELECT coalesce(${kept}, 0) AS token FROM ${table} ${where === undefined ? sql`` : sql`WHERE ${where}`} FOR NO KEY UPDATE
), lock_newest AS MATERIALIZED (
  SELECT max(f.token) AS token FROM lock_found f
), lock_written AS ${update}
SELECT n.token::text AS lock_newest, w.lock_written, w.* FROM lock_newest n
  LEFT JOIN (SELECT true AS lock_written, r.* FROM lock_written r) AS w ON true`);
  const rows = rowsOf(result);
  if (rows[0]?.["lock_written"] === true) {
    return rows.map((row) =>
      Object.fromEntries(
        columns.map(([name, each], n) => {
          const value = row[`lock_column_${n}`];
          return [name, value === null ? null : each.mapFromDriverValue(value)];
        }),
      ),
    );
  }
  const last = rows[0]?.["lock_newest"];
  if (typeof last === "string") throw staleWrite(fence, getTableName(table), last);
  return [];
}

/**
 * Inserts a row, or updates the one that is there already, unless that was written under a later token; and leaves the token of
 * `fence` in it. Returns the row as written.
 *
 * @throws {LockLostError} `LOCK_LOST` where it was; nothing is written then.
 */
export async function fencedUpsert<Table extends PgTable>(
  db: FencedDatabase,
  fence: Fence,
  { table, values, target, set, column }: FencedUpsert<Table>,
): Promise<Table["$inferSelect"]> {
  const [property, kept] = tokenColumn(table, column);
  const token = { [property]: driverToken(fence) };
  const rows: Table["$inferSelect"][] = await db
    .insert(table as PgTable)
    .values({ ...values, ...token })
    .onConflictDoUpdate({
      target,
      set: { ...(set ?? values), ...token },
      setWhere: notOlder(kept, fence),
    })
    .returning();
  const [row] = rows;
  if (row === undefined) throw staleWrite(fence, getTableName(table));
  return row;
}

function driverToken(fence: Fence): SQL {
  return sql`${String(tokenOf(fence))}::bigint`;
}

/** Under which property of the table it stands, and itself. */
function tokenColumn(table: PgTable, wanted: PgColumn | undefined): [property: string, column: PgColumn] {
  const found = Object.entries(getTableColumns(table)).find(([, column]) =>
    wanted === undefined ? column.name === defaultColumn : column === wanted,
  );
  if (found !== undefined) return found;
  throw new LockError(
    "LOCK_INVALID_ARGUMENT",
    `The table ${getTableName(table)} has no column ${wanted?.name ?? defaultColumn}: add one, ${defaultColumn}: fencingToken()`,
  );
}

/** Drivers differ: some answer with the rows, others with an object that has them. */
function rowsOf(result: unknown): readonly Record<string, unknown>[] {
  return (Array.isArray(result) ? result : (result as { rows: unknown }).rows) as Record<string, unknown>[];
}
