import { LockError } from "@lock/core";

/** What a connection says of its server. */
export interface Server {
  /** Which database of which server, until that is started anew. */
  readonly database: string;
  /** Whether something stands in between that may give the server's session to others (PgBouncer). */
  readonly pooled: boolean;
  /** Which of the settings that we make it knows. */
  readonly settings: ReadonlySet<string>;
}

/** The first statement of a connection. */
export function serverStatement(settings: readonly string[]): string {
  const names = settings.map((name) => `'${name}'`).join(", ");
  return `SELECT pg_backend_pid(), current_database() || ' ' || extract(epoch FROM pg_postmaster_start_time()), (SELECT string_agg(name, ' ') FROM pg_settings WHERE name IN (${names}))`;
}

/** A pooler answers with a number of its own when a client connects, and not with that of the server's process. */
export function readServer(client: object, row: readonly (string | null)[] | undefined): Server {
  const { processID } = client as { processID?: number | null };
  return {
    database: row?.[1] ?? "",
    pooled: typeof processID === "number" && processID !== Number(row?.[0]),
    settings: new Set(row?.[2]?.split(" ")),
  };
}

export function behindPooler(): LockError {
  return new LockError(
    "LOCK_CONFIG",
    'There is a pooler between here and PostgreSQL, so no lock can live with a session: connect to the server itself, or set mode: "rows"',
  );
}

export function deafBehindPooler(): LockError {
  return new LockError(
    "LOCK_CONFIG",
    "There is a pooler between here and PostgreSQL, through which no notification comes: set listenUrl to the server itself, or push: false",
  );
}

export function wrongListenUrl({ pooled }: Server): LockError {
  return new LockError(
    "LOCK_CONFIG",
    pooled
      ? "listenUrl leads through a pooler, through which no notification comes: let it lead to the server itself"
      : "listenUrl leads to another database than the locks are in",
  );
}
