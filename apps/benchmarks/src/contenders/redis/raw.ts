import { createHash, randomUUID } from "node:crypto";
import type { Contender } from "../../contender.ts";
import { connectedClient } from "./client.ts";

const script = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) else return 0 end`;
const sha = createHash("sha1").update(script).digest("hex");

/** The least that could be called a lock: it does not wait, renew, fence or tell. */
export const raw: Contender = {
  name: "raw SET NX PX + EVALSHA",
  standing: "raw",
  scenarios: ["uncontended"],
  sends: ["set", "evalsha"],
  open: async ({ url }) => {
    const client = await connectedClient(url);
    await client.script("LOAD", script);
    return {
      run: async (key, job) => {
        const owner = randomUUID();
        const name = `raw:${key}`;
        if ((await client.set(name, owner, "PX", 30_000, "NX")) === null) throw new Error(`${key} is held`);
        await job();
        await client.evalsha(sha, 1, name, owner);
      },
      close: () => client.disconnect(),
    };
  },
};
