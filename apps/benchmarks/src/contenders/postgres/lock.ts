import { createLocking, type Locking } from "@lock/core";
import { migrate, postgresProvider } from "@lock/provider-postgres";
import type { Contender } from "../../contender.ts";
import { quiet } from "../quiet.ts";

async function connected(url: string, namespace: string): Promise<Locking> {
  await migrate(url);
  return createLocking({
    providers: [postgresProvider({ connectionString: url, namespace })],
    logger: quiet,
  });
}

/** A job under its lock, which is what peers are compared with. */
const execute: Contender = {
  name: "@lock execute",
  standing: "ours",
  scenarios: ["uncontended", "contended"],
  open: async ({ url }) => {
    const locking = await connected(url, "benchmark-execute");
    return {
      run: (key, job) => locking.execute(key, job, { timeout: "60s" }),
      close: () => locking.close(),
    };
  },
};

/** A lock of an owner that outlives the process: rows. */
const owned: Contender = {
  name: "@lock acquire + release",
  standing: "ours",
  scenarios: ["uncontended", "contended"],
  open: async ({ url }) => {
    const locking = await connected(url, "benchmark-owned");
    let owners = 0;
    return {
      run: async (key, job) => {
        owners += 1;
        const ownerId = `${process.pid}-${owners}`;
        await locking.acquire(key, { ownerId, expire: 30, awaitQueue: true, timeout: "60s" });
        try {
          await job();
        } finally {
          await locking.release(key, { ownerId });
        }
      },
      close: () => locking.close(),
    };
  },
};

export const lockContenders: readonly Contender[] = [execute, owned];
