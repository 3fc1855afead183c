import { PostgreSqlContainer } from "@testcontainers/postgresql";
import pg from "pg";
import type { Server } from "./server.ts";

/** Its statistics and sizes are those of the benchmark alone. */
const DATABASE = "lock_benchmark";

/** The server whose URL is set as for the tests, or a container of the image that the tests use, with a database of our own. */
export async function postgresServer(environment: NodeJS.ProcessEnv): Promise<Server> {
  const given = environment["LOCK_TEST_POSTGRES_URL"];
  const image = environment["LOCK_TEST_POSTGRES_IMAGE"] ?? "postgres:17-alpine";
  const command = ["postgres", "-c", "max_connections=300"];
  const container = given ? null : await new PostgreSqlContainer(image).withCommand(command).start();
  const url = new URL(given ?? container!.getConnectionUri());
  // From another database, so that what it asks is not counted.
  const client = new pg.Client(url.href);
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  await client.query(`CREATE DATABASE ${DATABASE}`);
  url.pathname = DATABASE;
  const inside = new pg.Client(url.href);
  const number = async (from: pg.Client, text: string): Promise<number> => {
    const { rows } = await from.query<[string]>({ text, rowMode: "array" });
    return Number(rows[0]?.[0] ?? Number.NaN);
  };
  const show = async (setting: string): Promise<string> => {
    const { rows } = await client.query<[string]>({ text: `SHOW ${setting}`, rowMode: "array" });
    return String(rows[0]?.[0]);
  };
  const version = (await show("server_version")).split(" ")[0];
  const durability = `fsync ${await show("fsync")}, synchronous_commit ${await show("synchronous_commit")}`;
  let connected = false;
  return {
    url: url.href,
    about: `PostgreSQL ${version}${given ? "" : " in a container"}, ${durability}`,
    requests: async ({ statementsPerTransaction = 1 }) => {
      const text = `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '${DATABASE}'`;
      return statementsPerTransaction * (await number(client, text));
    },
    connections: () =>
      number(
        client,
        `SELECT count(*) FROM pg_stat_activity WHERE datname = '${DATABASE}' AND backend_type = 'client backend'`,
      ),
    stored: async () => {
      if (!connected) await inside.connect();
      connected = true;
      return number(
        inside,
        `SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'locking%'`,
      );
    },
    computed: async () => Number.NaN,
    stop: async () => {
      if (connected) await inside.end();
      await client.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
      await client.end();
      await container?.stop();
    },
  };
}
