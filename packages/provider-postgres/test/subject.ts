import { defineSubject, type Subject } from "@lock/testkit";
import pg from "pg";
import { connectionSettings } from "../src/connection-settings.ts";
import { postgresProvider } from "../src/index.ts";
import { PostgresStore } from "../src/store.ts";

const urlVariable = "LOCK_TEST_POSTGRES_URL";

const subject: Subject = defineSubject({
  name: "@lock/provider-postgres",
  urlVariable,
  create: ({ namespace, env }) => postgresProvider({ connectionString: env[urlVariable], namespace }),
  store: ({ namespace, env }) =>
    new PostgresStore({
      settings: connectionSettings({ connectionString: env[urlVariable] }),
      namespace,
      connections: 2,
      callTimeout: 5_000,
      push: true,
    }),
  entries: async ({ namespace, env }) => {
    const client = new pg.Client({ connectionString: env[urlVariable] });
    await client.connect();
    const { rows } = await client.query<{ rows: number }>(
      `SELECT ((SELECT count(*) FROM locking WHERE namespace = $1)
             + (SELECT count(*) FROM locking_queue WHERE namespace = $1))::integer AS rows`,
      [namespace],
    );
    await client.end();
    return rows[0]?.rows ?? 0;
  },
});
export default subject;
