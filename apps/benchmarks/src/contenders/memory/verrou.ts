import { LockFactory } from "@verrou/core";
import { memoryStore } from "@verrou/core/drivers/memory";
import type { Contender } from "../../contender.ts";

export const verrou: Contender = {
  name: "Verrou memory",
  standing: "peer",
  // Its waiters poll, which a queue of 10,000 would take minutes for.
  scenarios: ["uncontended", "contended", "bytes"],
  open: async () => {
    const factory = new LockFactory(memoryStore().factory());
    return {
      run: (key, job) => factory.createLock(key).run(async () => job()),
      close: () => {},
    };
  },
};
