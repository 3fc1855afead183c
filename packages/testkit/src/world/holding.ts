import type { ExecuteArgs, Keys, Lock, Locking } from "@lock/core";
import { deferred } from "./deferred.ts";

/** An `execute` whose job lasts until it is told to end. */
export interface Holding {
  readonly lock: Lock;
  /** What `execute` settles with. */
  readonly ended: Promise<unknown>;
  /** Ends the job. */
  readonly end: () => void;
  /** Ends the job, and resolves once `execute` has. */
  readonly free: () => Promise<void>;
}

/** Resolves when the job runs. */
export async function hold(locking: Locking, keys: Keys, args?: ExecuteArgs): Promise<Holding> {
  const granted = deferred<Lock>();
  const end = deferred();
  const ended = locking.execute(
    keys,
    async (lock) => {
      granted.resolve(lock);
      await end.promise;
    },
    args,
  );
  ended.catch(granted.reject);
  const lock = await granted.promise;
  return {
    lock,
    ended,
    end: end.resolve,
    free: async () => {
      end.resolve();
      await ended;
    },
  };
}
