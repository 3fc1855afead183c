import { defineSubject, type Subject } from "@lock/testkit";
import { redisProvider } from "../src/index.ts";
import { RedisStore } from "../src/store.ts";

/** The server's URL, with a user in it who has only the rights that the documentation lists. */
export const restrictedVariable = "LOCK_TEST_REDIS_RESTRICTED_URL";

const subject: Subject = defineSubject({
  name: "@lock/provider-redis as a user with few rights",
  create: ({ namespace, env }) => redisProvider({ redisUrl: env[restrictedVariable], namespace }),
  store: ({ namespace, env }) =>
    new RedisStore({ redisUrl: env[restrictedVariable], namespace, push: true, callTimeout: 5_000 }),
});
export default subject;
