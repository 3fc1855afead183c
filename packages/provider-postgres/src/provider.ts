import { defineProvider, LockError, parseDuration } from "@lock/core";
import type { Provider, ProviderSettings } from "@lock/core";
import { connectionSettings, type ConnectionSettings } from "./connection-settings.ts";
import type { ConnectionSource } from "./connection-source.ts";
import { withNames, type Names } from "./names.ts";
import { PostgresStore } from "./store.ts";

/** What a row of `locking` can be found by has to fit into a page of an index. */
const longestNamespace = 255;

/** Milliseconds; the server's limit and Node's. */
const longestTimer = 2 ** 31 - 1;

export interface PostgresProviderOptions extends ConnectionSource, Names, ProviderSettings {
  /**
   * Locks of different namespaces never clash, and `releaseAll()` empties one of them only. At most 255 bytes.
   * Default: `"lock"`.
   */
  readonly namespace?: string | undefined;
  /**
   * The most connections that the provider opens for its statements, beside the one that listens. They are its own, so
   * that a pool of the application's is never kept busy by waiting locks. Two are enough for thousands of locks a second, since calls
   * of one tick share a statement. Default: 2.
   */
  readonly connections?: number | undefined;
  /**
   * What the locks of `execute` live with. `"session"`: with a long-lived connection of this process, so that they are free the moment that it dies and need no
   * renewal; where nobody else wants the key there is not even a row. `"rows"`: with a lease that is renewed. Both exclude each other, and
   * what `acquire` takes is rows in either. Default: `"session"`; `"rows"` where a pooler (PgBouncer) is found between here and the server,
   * behind which `"session"` is `LOCK_CONFIG`.
   */
  readonly mode?: "session" | "rows" | undefined;
  /** How many connections the locks of `execute` live with in `mode: "session"`, whatever number of locks. Default: 2. */
  readonly sessions?: number | undefined;
  /**
   * Whether a release wakes the next waiter through LISTEN and NOTIFY. `false`: no connection listens and waiters poll (see
   * `defaultRetryInterval`), for servers or poolers that can't notify. Default: `true`; behind a pooler only with a `listenUrl`.
   */
  readonly push?: boolean | undefined;
  /** Where notifications are heard, if the way to the server leads through a pooler: the URL of the server itself. */
  readonly listenUrl?: string | undefined;
}

/**
 * Locks on rows of a PostgreSQL database that was prepared by `migrate` or `npx lock-postgres migrate`. It connects when the service connects it.
 *
 * @throws {LockError} `LOCK_CONFIG` unless exactly one of `connectionString`, `pool` and `db` is given, and for a name that can't be.
 */
export function postgresProvider(options: PostgresProviderOptions): Provider {
  const {
    connectionString,
    pool,
    db,
    schema,
    table,
    namespace = "lock",
    connections = 2,
    push,
    listenUrl,
    mode,
    sessions = 2,
    ...settings
  } = options;
  if (
    typeof namespace !== "string" ||
    namespace === "" ||
    Buffer.byteLength(namespace) > longestNamespace ||
    namespace.includes("\0") ||
    !namespace.isWellFormed()
  ) {
    throw new LockError(
      "LOCK_CONFIG",
      `namespace must be a well-formed string of 1 to ${longestNamespace} bytes without NUL`,
    );
  }
  if (!Number.isInteger(connections) || connections < 1) {
    throw new LockError("LOCK_CONFIG", "connections must be a whole number of at least 1");
  }
  if (mode !== undefined && mode !== "session" && mode !== "rows") {
    throw new LockError("LOCK_CONFIG", 'mode must be "session" or "rows"');
  }
  if (!Number.isInteger(sessions) || sessions < 1) {
    throw new LockError("LOCK_CONFIG", "sessions must be a whole number of at least 1");
  }
  const callTimeout = Math.min(parseDuration(settings.callTimeout ?? 5, "callTimeout"), longestTimer);
  const store = new PostgresStore({
    settings: withNames(connectionSettings({ connectionString, pool, db }), { schema, table }),
    namespace,
    connections,
    callTimeout,
    push: push ?? true,
    sessions: mode === "rows" ? 0 : sessions,
    listen: listenUrl === undefined ? undefined : listenSettings(listenUrl),
    insists: { sessions: mode === "session", push: push === true },
  });
  return defineProvider({ identifier: "locking-postgres", store, ...settings });
}

function listenSettings(listenUrl: unknown): ConnectionSettings {
  if (typeof listenUrl === "string" && listenUrl !== "")
    return connectionSettings({ connectionString: listenUrl });
  throw new LockError(
    "LOCK_CONFIG",
    "listenUrl must be a URL such as postgres://user:password@host:5432/database",
  );
}
