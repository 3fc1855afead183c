import PgMutexLock from "pg-mutex-lock";
import type { Contender } from "../../contender.ts";

export const pgMutexLock: Contender = {
  name: "pg-mutex-lock",
  standing: "peer",
  scenarios: ["uncontended", "contended"],
  open: async ({ url }) => {
    const { hostname: host, port, username: user, password, pathname } = new URL(url);
    const database = { host, port: Number(port), user, password, database: pathname.slice(1) };
    const mutex = new PgMutexLock.default({ database });
    return {
      run: async (key, job) => {
        await mutex.acquireLock(key);
        try {
          await job();
        } finally {
          await mutex.releaseLock(key);
        }
      },
      close: () => mutex.end(),
    };
  },
};
