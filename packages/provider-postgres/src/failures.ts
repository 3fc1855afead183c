import { LockError } from "@lock/core";

/** The code that the server gave an error, if it was the server that gave it. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What a refusal begins its code with, and what to do about it. None of these goes away by asking again. */
type Refusals = readonly (readonly [code: string, meaning: string])[];

export const missingMigrations: string =
  "The tables or functions of @lock/provider-postgres are missing or too old: run `npx lock-postgres migrate` with LOCKING_DATABASE_URL set";

const general: Refusals = [
  ["25006", "The server is read-only: connect to the primary, not to a replica"],
  ["28", "The server refuses the user or its password: check the connection settings"],
  ["3D000", "The database does not exist: check its name in the connection settings"],
  ["53100", "The server's disk is full: free some space"],
  [
    "53200",
    "The server is out of memory, or of locks: raise max_locks_per_transaction, or lock fewer keys at once",
  ],
];

const ofOperations: Refusals = [
  ["42P01", missingMigrations],
  ["42883", missingMigrations],
  ["42703", missingMigrations],
  [
    "42501",
    "The role lacks rights: GRANT SELECT, INSERT, UPDATE, DELETE ON locking, locking_queue, locking_withdrawn and USAGE ON SEQUENCE locking_sequence to it",
  ],
  [
    "22P05",
    "The database's encoding can't represent a key or an owner: use a database with the encoding UTF8",
  ],
  [
    "22021",
    "The database's encoding can't represent a key or an owner: use a database with the encoding UTF8",
  ],
  ["42", "The server refuses a statement of @lock/provider-postgres"],
  ...general,
];

const ofMigrations: Refusals = [
  ["42501", "The role may not create tables or functions: migrate as one that has CREATE on the schema"],
  ["3F000", "The schema does not exist: create it, or correct the search_path in the connection settings"],
  ["42", "The server refuses a migration of @lock/provider-postgres"],
  ...general,
];

/**
 * An error as the engine should see it: a `LockError` for a refusal that stays one; anything else as it is, so that the
 * engine asks again where that is safe.
 */
export function explained(error: unknown): unknown {
  return explain(error, ofOperations);
}

/** Of the call that ends sessions, which needs no right on tables. */
export function explainedEnd(error: unknown): unknown {
  const cause = error instanceof LockError ? error.cause : error;
  if (sqlState(cause) !== "42501") return error;
  return new LockError(
    "LOCK_UNAVAILABLE",
    `The role may not end the sessions of other roles that locks live with: GRANT pg_signal_backend to it, or make it a member of those roles (those of a superuser only a superuser may end) (42501: ${(cause as Error).message})`,
    { cause },
  );
}

export function explainedMigration(error: unknown): unknown {
  return explain(error, ofMigrations);
}

function explain(error: unknown, refusals: Refusals): unknown {
  const code = sqlState(error);
  if (code === undefined) return error;
  const reason = (error as Error).message;
  const refusal = refusals.find(([start]) => code.startsWith(start));
  if (refusal !== undefined) {
    return new LockError("LOCK_UNAVAILABLE", `${refusal[1]} (${code}: ${reason})`, { cause: error });
  }
  if (code === "53300") {
    return new Error(`PostgreSQL has no connection left: raise max_connections or close some (${reason})`, {
      cause: error,
    });
  }
  return error;
}

/** Whether the connection that this error came over is of no use any more. */
export function spoilsConnection(error: unknown): boolean {
  const code = sqlState(error);
  if (code === undefined || (error as { severity?: unknown }).severity === "FATAL") return true;
  // Prepared statements that the server has forgotten (DISCARD ALL), or that a migration has made stale.
  return code === "26000" || code === "0A000";
}
