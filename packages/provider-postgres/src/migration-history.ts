import { LockError } from "@lock/core";
import type { Client } from "pg";
import type { Rename } from "./names.ts";
import type { Migration } from "./shipped-migrations.ts";

export interface AppliedMigration {
  readonly name: string;
  readonly appliedAt: Date;
}

interface RecordedMigration extends AppliedMigration {
  /** `null`: nobody has noted it. */
  readonly hash: string | null;
}

export interface MigrationStatus {
  /** What is applied, in order. */
  readonly applied: readonly AppliedMigration[];
  /** The names of what is in this package and not applied yet, in order. */
  readonly pending: readonly string[];
  /** The names of what is applied and not in this package: a newer version of it has done that. It keeps what older versions use. */
  readonly newer: readonly string[];
}

/** What the database says was applied; `undefined` where it was never migrated. */
export async function recordedMigrations(
  client: Client,
  rename: Rename,
): Promise<RecordedMigration[] | undefined> {
  const found = await client.query<{ missing: boolean }>(
    rename("SELECT to_regclass('locking_migrations') IS NULL AS missing"),
  );
  if (found.rows[0]?.missing === true) return undefined;
  // As JSON, since early ones have no such column.
  const { rows } = await client.query<{ name: string; at: string; hash: string | null }>(
    rename(
      `SELECT m.name, extract(epoch FROM m.applied_at)::text AS at, to_jsonb(m) ->> 'hash' AS hash FROM locking_migrations m ORDER BY m.name`,
    ),
  );
  return rows.map(({ name, at, hash }) => ({ name, hash, appliedAt: new Date(Number(at) * 1_000) }));
}

/** Notes in the same transaction what was applied. */
export async function record(client: Client, rename: Rename, { name, hash }: Migration): Promise<void> {
  await client.query(rename("INSERT INTO locking_migrations (name, hash) VALUES ($1, $2)"), [name, hash]);
}

/** Not `IF NOT EXISTS`, which asks for the right to create even where nothing is to be created. */
export async function createHistory(client: Client, rename: Rename, exists: boolean): Promise<void> {
  await client.query(
    rename(
      exists
        ? "ALTER TABLE locking_migrations ADD COLUMN IF NOT EXISTS hash text"
        : "CREATE TABLE locking_migrations (name text PRIMARY KEY, hash text, applied_at timestamptz NOT NULL DEFAULT now())",
    ),
  );
}

/** @throws {LockError} `LOCK_CONFIG` where the database has another edit of a migration than this package. */
export function compare(
  shipped: readonly Migration[],
  recorded: readonly RecordedMigration[],
): MigrationStatus {
  const known = new Map(shipped.map((migration) => [numberOf(migration.name), migration]));
  for (const { name, hash } of recorded) {
    const own = known.get(numberOf(name));
    if (own === undefined || (own.name === name && (hash ?? own.hash) === own.hash)) continue;
    throw new LockError(
      "LOCK_CONFIG",
      `The database was migrated by a different edit of migration ${numberOf(name)}: it has ${name}${noted(hash)}, this package has ${own.name}${noted(own.hash)}. ` +
        "Published migrations never change, so one of the two is a development version: use the version that migrated the database, or another schema (--schema)",
    );
  }
  const done = new Set(recorded.map(({ name }) => name));
  return {
    applied: recorded.map(({ name, appliedAt }) => ({ name, appliedAt })),
    pending: shipped.filter(({ name }) => !done.has(name)).map(({ name }) => name),
    newer: recorded.filter(({ name }) => !known.has(numberOf(name))).map(({ name }) => name),
  };
}

function numberOf(name: string): string {
  return name.split("_", 1)[0] as string;
}

function noted(hash: string | null): string {
  return hash === null ? "" : ` (${hash.slice(0, 12)})`;
}
