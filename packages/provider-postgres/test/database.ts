import { randomBytes } from "node:crypto";
import pg from "pg";
import { migrate } from "../src/migrate.ts";

/** Given by the set-up of the whole run. */
export const serverUrl: string = process.env["LOCK_TEST_POSTGRES_URL"] as string;

export interface TestDatabase extends AsyncDisposable {
  /** Of the test's own schema on the shared server. */
  readonly url: string;
  readonly schema: string;
  /** One statement on a connection of the test's own. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

/** A schema of its own, so that what a persistent server still has of another day's migrations does not matter. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const schema = `lock_test_${randomBytes(6).toString("hex")}`;
  const url = new URL(serverUrl);
  url.searchParams.set("options", `-c search_path=${schema}`);
  const pool = new pg.Pool({ connectionString: url.href, max: 1 });
  await pool.query(`CREATE SCHEMA ${schema}`);
  return {
    url: url.href,
    schema,
    query: async (text, values) => (await pool.query<Record<string, unknown>>(text, values)).rows,
    async [Symbol.asyncDispose]() {
      await pool.query(`DROP SCHEMA ${schema} CASCADE`);
      await pool.end();
    },
  };
}

export async function migratedDatabase(): Promise<TestDatabase> {
  const database = await emptyDatabase();
  await migrate(database.url);
  return database;
}

export interface TestRole extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A role that may see the schema, and nothing more. */
export async function otherRole(database: TestDatabase): Promise<TestRole> {
  const name = `${database.schema}_role`;
  await database.query(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  await database.query(`GRANT USAGE ON SCHEMA ${database.schema} TO ${name}`);
  const url = new URL(database.url);
  url.username = name;
  url.password = "secret";
  return {
    name,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.query(`DROP OWNED BY ${name}`);
      await database.query(`DROP ROLE ${name}`);
    },
  };
}
