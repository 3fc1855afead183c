import type { Server } from "./server.ts";

/** There is none: what is locked in memory asks nobody. */
export const noServer: Server = {
  url: "memory:",
  about: "within one process",
  requests: async () => Number.NaN,
  connections: async () => 0,
  stored: async () => Number.NaN,
  computed: async () => Number.NaN,
  stop: async () => {},
};
