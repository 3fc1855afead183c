import { createLocking, type Locking } from "@lock/core";
import { memoryProvider } from "@lock/provider-memory";
import type { Contender } from "../../contender.ts";
import { quiet } from "../quiet.ts";

function connected(): Promise<Locking> {
  return createLocking({ providers: [memoryProvider()], logger: quiet });
}

/** A job under its lock, which is what peers are compared with. */
const execute: Contender = {
  name: "@lock execute",
  standing: "ours",
  scenarios: ["uncontended", "contended", "queue", "bytes"],
  open: async () => {
    const locking = await connected();
    return {
      run: (key, job) => locking.execute(key, job, { timeout: Infinity }),
      close: () => locking.close({ drain: "1ms" }),
    };
  },
};

/** A lock of an owner, that is kept without a job. */
const owned: Contender = {
  name: "@lock acquire + release",
  standing: "ours",
  scenarios: ["uncontended", "bytes"],
  open: async () => {
    const locking = await connected();
    const ownerId = "owner";
    return {
      run: async (key, job) => {
        await locking.acquire(key, { ownerId });
        try {
          await job();
        } finally {
          await locking.release(key, { ownerId });
        }
      },
      hold: (key) => locking.acquire(key, { ownerId }),
      close: () => locking.close(),
    };
  },
};

export const lockContenders: readonly Contender[] = [execute, owned];
