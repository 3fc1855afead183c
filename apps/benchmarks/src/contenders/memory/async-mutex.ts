import { Mutex } from "async-mutex";
import type { Contender } from "../../contender.ts";

/** It has no keys; a mutex for each, dropped when nobody wants it any more, is how it is used with them. */
export const asyncMutex: Contender = {
  name: "async-mutex",
  standing: "peer",
  scenarios: ["uncontended", "contended", "queue", "bytes"],
  open: async () => {
    const mutexes = new Map<string, { readonly mutex: Mutex; users: number }>();
    return {
      run: async (key, job) => {
        const entry = mutexes.get(key) ?? { mutex: new Mutex(), users: 0 };
        mutexes.set(key, entry);
        entry.users += 1;
        try {
          return await entry.mutex.runExclusive(job);
        } finally {
          entry.users -= 1;
          if (entry.users === 0) mutexes.delete(key);
        }
      },
      close: () => {},
    };
  },
};
