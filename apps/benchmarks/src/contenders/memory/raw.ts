import type { Contender } from "../../contender.ts";

/** Chained promises: order and exclusion, and nothing else. */
export const raw: Contender = {
  name: "raw promises in a Map",
  standing: "raw",
  scenarios: ["uncontended", "contended", "queue", "bytes"],
  open: async () => {
    const last = new Map<string, Promise<void>>();
    return {
      run: async (key, job) => {
        const before = last.get(key);
        let free!: () => void;
        const mine = new Promise<void>((resolve) => {
          free = resolve;
        });
        last.set(key, mine);
        if (before !== undefined) await before;
        try {
          return await job();
        } finally {
          if (last.get(key) === mine) last.delete(key);
          free();
        }
      },
      close: () => {},
    };
  },
};
