import { defineProvider, LockError, parseDuration } from "@lock/core";
import type { Provider, ProviderSettings } from "@lock/core";
import type { ClientSource } from "./client.ts";
import { RedisStore } from "./store.ts";

export interface RedisProviderOptions extends ClientSource, ProviderSettings {
  /**
   * What the names of everything stored begin with. Locks of different namespaces never clash, and `releaseAll()` empties one
   * of them only. Default: `"lock:"`.
   */
  readonly namespace?: string | undefined;
  /**
   * Whether a release wakes the next waiter through a second connection, which subscribes. `false`: no such connection,
   * and waiters ask again and again (see `defaultRetryInterval`), for servers whose users may not subscribe. Default: `true`.
   */
  readonly push?: boolean | undefined;
}

const DEFAULT_CALL_TIMEOUT = 5;

/**
 * Locks on a Redis server (6.2 or later), which excludes between all processes that use it with the same namespace. It connects when
 * the service connects it.
 *
 * @throws {LockError} `LOCK_CONFIG` unless exactly one server is named; `LOCK_INVALID_ARGUMENT` for durations.
 */
export function redisProvider(options: RedisProviderOptions): Provider {
  if (typeof options !== "object" || options === null) {
    throw new LockError("LOCK_CONFIG", 'redisProvider needs options: { redisUrl: "redis://localhost:6379" }');
  }
  const { redisUrl, client, redisOptions, namespace = "lock:", push = true, ...settings } = options;
  if (
    typeof namespace !== "string" ||
    namespace === "" ||
    namespace.includes("\0") ||
    !namespace.isWellFormed()
  ) {
    throw new LockError(
      "LOCK_CONFIG",
      'redisProvider needs namespace to be a non-empty string such as "lock:", without NUL',
    );
  }
  if (typeof push !== "boolean")
    throw new LockError("LOCK_CONFIG", "redisProvider needs push to be true or false");
  const callTimeout = parseDuration(settings.callTimeout ?? DEFAULT_CALL_TIMEOUT, "callTimeout");
  const store = new RedisStore({ redisUrl, client, redisOptions, namespace, push, callTimeout });
  return defineProvider({ identifier: "locking-redis", store, ...settings });
}
