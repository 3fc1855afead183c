import { defineSubject, type Subject } from "@lock/testkit";
import pg from "pg";
import { connectionSettings } from "../src/connection-settings.ts";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { PostgresStore } from "../src/store.ts";

const urlVariable = "LOCK_TEST_POSTGRES_URL";

/** Without a mode: whatever is found on the way to the server. */
export function subjectOfMode(mode?: PostgresProviderOptions["mode"]): Subject {
  return defineSubject({
    name: `@lock/provider-postgres, ${mode ?? "as found"}`,
    urlVariable,
    create: ({ namespace, env }) => postgresProvider({ connectionString: env[urlVariable], namespace, mode }),
    store: ({ namespace, env }) =>
      new PostgresStore({
        settings: connectionSettings({ connectionString: env[urlVariable] }),
        namespace,
        connections: 2,
        callTimeout: 5_000,
        push: true,
        sessions: mode === "rows" ? 0 : 2,
      }),
    entries: async ({ namespace, env }) => {
      const client = await connected(env[urlVariable]);
      const { rows } = await client.query<{ rows: number }>(
        `SELECT ((SELECT count(*) FROM locking WHERE namespace = $1)
               + (SELECT count(*) FROM locking_queue WHERE namespace = $1))::integer AS rows`,
        [namespace],
      );
      await client.end();
      return rows[0]?.rows ?? 0;
    },
    transaction: async ({ env }) => {
      const client = await connected(env[urlVariable]);
      await client.query("BEGIN");
      const end = async (how: string): Promise<void> => {
        await client.query(how);
        await client.end();
      };
      return {
        transactionManager: client,
        commit: () => end("COMMIT"),
        rollback: () => end("ROLLBACK"),
      };
    },
  });
}

async function connected(connectionString: string | undefined): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}
