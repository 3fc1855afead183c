import { defineSubject, type Subject } from "@lock/testkit";
import { Redis } from "ioredis";
import { STRICT } from "../src/hand-off/terms.ts";
import { redisProvider } from "../src/index.ts";
import { RedisStore } from "../src/store.ts";

const urlVariable = "LOCK_TEST_REDIS_URL";

const subject: Subject = defineSubject({
  name: "@lock/provider-redis",
  urlVariable,
  create: ({ namespace, env }) => redisProvider({ redisUrl: env[urlVariable], namespace }),
  store: ({ namespace, env }) =>
    new RedisStore({
      redisUrl: env[urlVariable],
      namespace,
      push: true,
      callTimeout: 5_000,
      handoff: STRICT,
    }),
  entries: async ({ namespace, env }) => {
    const redis = new Redis(env[urlVariable] ?? "");
    const names = new Set<string>();
    for await (const found of redis.scanStream({ match: `${namespace}{*`, count: 1_000 })) {
      for (const name of found as string[]) names.add(name);
    }
    await redis.quit();
    return names.size;
  },
});
export default subject;
