import { defineSubject, type Subject } from "@lock/testkit";
import { postgresProvider } from "../src/index.ts";

const subject: Subject = defineSubject({
  name: "@lock/provider-postgres",
  create: ({ namespace, env }) =>
    postgresProvider({ connectionString: env["LOCK_TEST_POSTGRES_URL"], namespace }),
});
export default subject;
