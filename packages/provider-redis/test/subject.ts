import { defineSubject, type Subject } from "@lock/testkit";
import { redisProvider } from "../src/index.ts";

const subject: Subject = defineSubject({
  name: "@lock/provider-redis",
  create: ({ namespace, env }) => redisProvider({ redisUrl: env["LOCK_TEST_REDIS_URL"], namespace }),
});
export default subject;
