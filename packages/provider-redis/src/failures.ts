import { isLockError, LockError } from "@lock/core";

/** Begins of replies that pass: the server starts, fails over, is being resharded, or is busy with someone's script. */
const passing =
  /^(?:LOADING|READONLY|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN|MOVED|ASK|NOREPLICAS|UNKILLABLE|NOSCRIPT|UNKNOWNSERVER)\b/;

const advice: readonly (readonly [begin: RegExp, what: string])[] = [
  [
    /^OOM\b/,
    "Redis is out of memory: raise maxmemory or free some; locks that are held can still be renewed and released",
  ],
  [
    /^MISCONF\b/,
    "Redis refuses writes because it can't save its data: see the server's log, or set stop-writes-on-bgsave-error no",
  ],
  [
    /^NOPERM\b|ACL failure in script|user executing the script can't run/,
    "The Redis user lacks rights: docs/providers/redis.md lists the commands, keys and channels that the provider needs",
  ],
  [
    /^(?:NOAUTH|WRONGPASS)\b|invalid password|AUTH.*(?:called|failed)/i,
    "Redis refused the user name or password: see redisUrl or redisOptions",
  ],
  [
    /WRONGTYPE\b/,
    "Something else is stored in Redis under a name of this namespace: give the provider a namespace of its own",
  ],
  [
    /unknown command/i,
    "This Redis server lacks a command that locks need: Redis 6.2 or later with EVALSHA and EVAL enabled",
  ],
];

/** What the server said. Before version 7 it wraps what a command was told in a script. */
export function words(error: Error): string {
  return error.message.replace(/^ERR Error running script .*?: -/, "");
}

/** Whether the server answered with an error, so that nothing of the script was carried out. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

export function isScriptMissing(error: unknown): boolean {
  return isRefusal(error) && error.message.startsWith("NOSCRIPT");
}

/**
 * What a failed command is to its caller: a `LockError` where the server refused and asking again would not help; anything
 * else as it is, which the engine takes for "could not be reached".
 */
export function asFailure(error: unknown): unknown {
  if (isLockError(error) || !isRefusal(error) || passing.test(words(error))) return error;
  const what = advice.find(([begin]) => begin.test(words(error)))?.[1] ?? "Redis refused the command";
  return new LockError("LOCK_UNAVAILABLE", `${what} (${error.message})`, { cause: error });
}
