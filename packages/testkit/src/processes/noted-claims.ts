import type { AcquireArgs, ExecuteArgs, Lock, Locking, ProviderCapabilities } from "@lock/core";
import type { HistoryEvent } from "../history/event.ts";
import type { Report } from "./protocol.ts";

type Job = (lock: Lock) => Promise<void>;

/** Claims of this process that are written into the history. */
export interface NotedClaims {
  execute(call: number, keys: readonly string[], args: ExecuteArgs, job: Job): Promise<void>;
  /** Acquires, runs the job, and releases by the handle. */
  acquire(call: number, keys: readonly string[], args: AcquireArgs, job: Job): Promise<void>;
}

export function notedClaims(
  locking: Locking,
  manifest: ProviderCapabilities,
  name: string,
  send: (report: Report) => void,
): NotedClaims {
  const note = (
    kind: HistoryEvent["kind"],
    call: number,
    keys: readonly string[],
    limit = 1,
    at = process.hrtime.bigint(),
    token?: bigint,
  ): void => {
    send({ report: "event", event: { at, process: name, call, kind, keys, limit, token } });
  };

  const claim = async (
    call: number,
    keys: readonly string[],
    { limit }: ExecuteArgs,
    take: (held: Job) => Promise<void>,
    job: Job,
  ): Promise<void> => {
    let acted = false;
    note("asked", call, keys, limit);
    try {
      await take(async (lock) => {
        const at = process.hrtime.bigint();
        // A process that stood still may go on just here, long after its lease. What is held now was held at that time.
        if (lock.remaining() === 0) return;
        acted = true;
        note("granted", call, keys, limit, at, tokenOf(lock, manifest));
        lock.signal.addEventListener("abort", () => {
          note("lost", call, keys, limit);
          send({ report: "aborted", call, message: String(lock.signal.reason) });
        });
        await job(lock);
        note("released", call, keys, limit);
      });
    } finally {
      if (!acted) note("refused", call, keys, limit);
    }
  };

  return {
    execute: async (call, keys, args, job) => {
      const take = async (held: Job): Promise<void> => await locking.execute(keys, held, args);
      await claim(call, keys, args, take, job);
    },
    acquire: async (call, keys, args, job) => {
      const take = async (held: Job): Promise<void> => {
        const lock = await locking.acquire(keys, args);
        await held(lock);
        await lock.release();
      };
      await claim(call, keys, args, take, job);
    },
  };
}

export function tokenOf(lock: Lock, manifest: ProviderCapabilities): bigint | undefined {
  return manifest.fencing ? lock.fencingToken : undefined;
}
