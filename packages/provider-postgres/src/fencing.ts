import { LockError } from "@lock/core";
import { defaultColumn, staleWrite, tokenOf, type Fence } from "./fence.ts";

export type { Fence } from "./fence.ts";

/** A client or pool of `pg`, or whatever else is called like one. */
export interface SqlClient {
  query(text: string, values: unknown[]): PromiseLike<{ readonly rows: readonly unknown[] }>;
}

/** What is SQL here is written by a developer, never made of a user's input: that goes into `values`. */
export interface FencedUpdate {
  /** SQL: the table's name. */
  readonly table: string;
  /** SQL: what follows `SET`, such as `pieces = pieces - $1`. */
  readonly set: string;
  /** SQL: what follows `WHERE`, such as `id = $2`. */
  readonly where: string;
  /** For the placeholders, which count from `$1` through `set` and `where`. Default: none. */
  readonly values?: readonly unknown[] | undefined;
  /** The name of the column that keeps the token. Default: `"fencing_token"`. */
  readonly column?: string | undefined;
  /** SQL: what follows `RETURNING`, such as `id, pieces`. Default: nothing. */
  readonly returning?: string | undefined;
}

export interface FencedUpsert {
  /** SQL: the table's name. */
  readonly table: string;
  /** Column names and their values. */
  readonly row: Readonly<Record<string, unknown>>;
  /** The columns of the unique index by which a row is found that is there already. */
  readonly conflict: readonly string[];
  /**
   * SQL: what is set in such a row, such as `pieces = stock.pieces + excluded.pieces`. Default: all columns of `row` to their values.
   */
  readonly update?: string | undefined;
  /** The name of the column that keeps the token. Default: `"fencing_token"`. */
  readonly column?: string | undefined;
  /** SQL: what follows `RETURNING`. Default: nothing. */
  readonly returning?: string | undefined;
}

export interface FencedResult<Row> {
  /** How many rows were written. Of an update: 0 where no row matched. */
  readonly rowCount: number;
  /** What `returning` asked for, of each. */
  readonly rows: readonly Row[];
}

/** SQL of the column that keeps the token, for `CREATE TABLE` or `ALTER TABLE … ADD COLUMN`. */
export function fencingColumn(name: string = defaultColumn): string {
  return `${quoted(name)} bigint NOT NULL DEFAULT 0`;
}

/**
 * SQL of the condition that a row was not written under a later token than that of `placeholder`, such as `$3`: for statements that the
 * functions here don't make. What it refuses is counted as no row; it raises no token.
 */
export function notOlder(placeholder: string, column: string = defaultColumn): string {
  return `coalesce(${quoted(column)}, 0) <= ${placeholder}::bigint`;
}

/**
 * Updates rows unless one of them was written under a later token, and leaves the token of `fence` in them: one statement, all of the
 * rows or none. Where no row matches, `rowCount` is 0.
 *
 * @throws {LockLostError} `LOCK_LOST` where one was; nothing is written then.
 */
export async function fencedUpdate<Row = Record<string, unknown>>(
  client: SqlClient,
  fence: Fence,
  { table, set, where, values = [], column = defaultColumn, returning }: FencedUpdate,
): Promise<FencedResult<Row>> {
  const token = `$${values.length + 1}`;
  // The rows are locked first, as they are by then, not as the statement's snapshot has them. So a row that is stale is told from one that
  // is gone, and what is found out about all of them holds for each when it is written.
  const text = `
WITH lock_found AS MATERIALIZED (
  SELECT coalesce(${quoted(column)}, 0) AS token FROM ${table} WHERE (
    ${where}
  ) FOR NO KEY UPDATE
), lock_newest AS MATERIALIZED (
  SELECT max(f.token) AS token FROM lock_found f
), lock_written AS (
  UPDATE ${table} SET
    ${set}
    , ${quoted(column)} = ${token}::bigint
   WHERE (
    ${where}
  ) AND (SELECT n.token FROM lock_newest n) <= ${token}::bigint
  RETURNING ${columns(returning)}
)
SELECT n.token::text AS "lock$newest", w.* FROM lock_newest n LEFT JOIN lock_written w ON true`;
  const { rows } = await client.query(text, [...values, String(tokenOf(fence))]);
  const result = written<Row>(rows);
  const newest = (rows[0] as Reported | undefined)?.lock$newest;
  if (result.rowCount === 0 && typeof newest === "string") throw staleWrite(fence, table, newest);
  return result;
}

/**
 * Inserts a row, or updates the one that is there already, unless that was written under a later token; and leaves the token of
 * `fence` in it.
 *
 * @throws {LockLostError} `LOCK_LOST` where it was; nothing is written then.
 */
export async function fencedUpsert<Row = Record<string, unknown>>(
  client: SqlClient,
  fence: Fence,
  { table, row, conflict, update, column = defaultColumn, returning }: FencedUpsert,
): Promise<FencedResult<Row>> {
  if (conflict.length === 0) {
    throw new LockError("LOCK_INVALID_ARGUMENT", "conflict must name the columns of a unique index");
  }
  const names = Object.keys(row).filter((name) => name !== column);
  const values = names.map((name) => row[name]);
  const keep = names.filter((name) => !conflict.includes(name));
  const set = [
    update ?? keep.map((name) => `${quoted(name)} = excluded.${quoted(name)}`).join(", "),
    `${quoted(column)} = excluded.${quoted(column)}`,
  ];
  const text = `
INSERT INTO ${table} (${[...names, column].map(quoted).join(", ")})
VALUES (${[...names.map((_, n) => `$${n + 1}`), `$${names.length + 1}::bigint`].join(", ")})
ON CONFLICT (${conflict.map(quoted).join(", ")}) DO UPDATE SET
  ${set.filter((part) => part !== "").join("\n  , ")}
 WHERE coalesce(${table}.${quoted(column)}, 0) <= excluded.${quoted(column)}
RETURNING ${columns(returning)}`;
  const { rows } = await client.query(text, [...values, String(tokenOf(fence))]);
  const result = written<Row>(rows);
  if (result.rowCount === 0) throw staleWrite(fence, table);
  return result;
}

interface Reported {
  readonly lock$newest?: string | null;
  readonly lock$written: true | null;
}

function columns(returning: string | undefined): string {
  return returning === undefined ? `true AS "lock$written"` : `true AS "lock$written", ${returning}`;
}

function written<Row>(rows: readonly unknown[]): FencedResult<Row> {
  const all = (rows as readonly Reported[]).filter((row) => row.lock$written !== null);
  return {
    rowCount: all.length,
    rows: all.map(({ lock$newest: _newest, lock$written: _written, ...row }) => row as Row),
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
