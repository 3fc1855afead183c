import { defineProvider, LockError, parseDuration } from "@lock/core";
import type { Provider, ProviderSettings } from "@lock/core";
import { checkHandoff, type HandoffTerms } from "./hand-off/terms.ts";
import { checkReplicas, type ReplicaOptions } from "./replication.ts";
import { checkSource, type ClientSource, isCluster } from "./source.ts";
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
  /**
   * On a cluster: into how many buckets the namespace is divided, each of which lives on one server. More spread better over more
   * servers; `1` keeps all keys together, so that a claim on many is one step and waits in one order with all others. All
   * processes must name the same number. Default: 16.
   */
  readonly shards?: number | undefined;
  /**
   * How many replicas must have a grant before it counts, so that a failover to one of them does not lose it. One that they don't confirm in
   * time is given back and is `LOCK_UNAVAILABLE`. It costs a round trip more for each grant, and the time that replicas take. Default: none.
   */
  readonly replicas?: ReplicaOptions | undefined;
  /**
   * Whether a lock of a job on one key goes, when it is released, to the next of the same process without a request, with a fencing token of
   * its own. `true`: as long as nobody else is known to wait for it. `{ turns, ms }`: also while others wait, so often and so
   * long; then the order is not first come, first served between processes. `false`: never. It needs `push`, and is not done on a cluster
   * or with `replicas`. Default: `true`.
   */
  readonly handoff?: boolean | HandoffTerms | undefined;
}

/** As many as a cluster has slots. */
const MOST_SHARDS = 16_384;

const DEFAULT_CALL_TIMEOUT = 5;

/** Milliseconds, of which a timer can count twice as many. */
const LONGEST_CALL_TIMEOUT = 2 ** 30 - 1;

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
  const { redisUrl, client, redisOptions, redisCluster, ...others } = options;
  const { namespace = "lock:", push = true, shards, replicas, handoff, ...settings } = others;
  const source = { redisUrl, client, redisOptions, redisCluster };
  checkSource(source);
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
  if (shards !== undefined) {
    if (!Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS) {
      throw new LockError(
        "LOCK_CONFIG",
        `redisProvider needs shards to be a whole number from 1 to ${MOST_SHARDS}`,
      );
    }
    if (shards > 1 && redisCluster === undefined && !(client && isCluster(client))) {
      throw new LockError(
        "LOCK_CONFIG",
        "redisProvider divides a namespace into shards on a cluster only: leave shards out",
      );
    }
  }
  const terms = checkHandoff(handoff);
  if (
    handoff &&
    (!push || replicas !== undefined || redisCluster !== undefined || (client && isCluster(client)))
  ) {
    throw new LockError(
      "LOCK_CONFIG",
      "redisProvider hands locks on inside a process only with push, on one server and without replicas: leave handoff out",
    );
  }
  const named = parseDuration(settings.callTimeout ?? DEFAULT_CALL_TIMEOUT, "callTimeout");
  const callTimeout = Math.min(named, LONGEST_CALL_TIMEOUT);
  const confirmed = checkReplicas(replicas, callTimeout);
  const store = new RedisStore({
    ...source,
    namespace,
    push,
    shards,
    callTimeout,
    replicas: confirmed,
    handoff: confirmed || !push ? null : terms,
  });
  return defineProvider({ identifier: "locking-redis", store, ...settings });
}
