import { LockError } from "@lock/core";
import pg from "pg";
import type { ClientConfig } from "pg";
import type { ConnectionSource, PgPool } from "./connection-source.ts";

/** A `Client` of `pg`, as a drizzle database may be built on one. */
interface PgClient {
  readonly connectionParameters: object;
}

/** How to open a connection of our own. */
export interface ConnectionSettings {
  readonly config: ClientConfig;
  /** The class of the pool's clients, where it has one of its own (another copy of `pg`, an instrumented one). */
  readonly Client: typeof pg.Client;
}

// The pool's business, or a limit that is meant for the application's statements.
const notOurs = [
  "max",
  "min",
  "poolSize",
  "maxUses",
  "maxLifetimeSeconds",
  "idleTimeoutMillis",
  "allowExitOnIdle",
  "log",
  "verify",
];
const limits = ["query_timeout", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
const hooks = ["Client", "Promise", "onConnect", "connectionTimeoutMillis"];

const ours: ClientConfig = {
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  // Only where the application gives no name of its own.
  fallback_application_name: "@lock/provider-postgres",
};

export function connectionSettings({ connectionString, pool, db }: ConnectionSource): ConnectionSettings {
  if ([connectionString, pool, db].filter((each) => each !== undefined).length !== 1) {
    throw new LockError(
      "LOCK_CONFIG",
      "PostgreSQL locks need exactly one of connectionString, pool and db: postgresProvider({ connectionString: process.env.LOCKING_DATABASE_URL })",
    );
  }
  if (connectionString !== undefined) {
    if (typeof connectionString !== "string" || connectionString === "") {
      throw new LockError(
        "LOCK_CONFIG",
        "connectionString must be a URL such as postgres://user:password@host:5432/database",
      );
    }
    return { config: { connectionString, ...ours }, Client: pg.Client };
  }
  const client: object | undefined = pool ?? db?.$client;
  if (isPool(client)) {
    const given = client.options as Record<string, unknown>;
    const own =
      "Client" in client && typeof client.Client === "function"
        ? (client.Client as typeof pg.Client)
        : pg.Client;
    return { config: { ...without(given), ...hidden(given), ...ours }, Client: own };
  }
  if (isClient(client)) {
    const given = client.connectionParameters as Record<string, unknown>;
    return {
      config: { ...without(given), ...hidden(given), ...ours },
      Client: client.constructor as typeof pg.Client,
    };
  }
  throw new LockError(
    "LOCK_CONFIG",
    pool === undefined
      ? "db must be a drizzle database over pg: drizzle(new pg.Pool({ ... })) of drizzle-orm/node-postgres"
      : "pool must be a Pool of pg: new pg.Pool({ ... })",
  );
}

function isPool(client: object | undefined): client is PgPool {
  return (
    typeof client === "object" &&
    client !== null &&
    "options" in client &&
    typeof client.options === "object" &&
    "totalCount" in client
  );
}

function isClient(client: object | undefined): client is PgClient {
  return typeof client === "object" && client !== null && "connectionParameters" in client;
}

function without(given: Record<string, unknown>): ClientConfig {
  const dropped = new Set([...notOurs, ...limits, ...hooks]);
  return Object.fromEntries(Object.entries(given).filter(([name]) => !dropped.has(name)));
}

/** pg keeps these from being enumerated, so that they are not logged; a spread would lose them. */
function hidden({ password, ssl }: Record<string, unknown>): ClientConfig {
  return {
    ...(password === undefined || password === null ? {} : { password: password as string }),
    ...(ssl === undefined ? {} : { ssl: ssl as boolean }),
  };
}
