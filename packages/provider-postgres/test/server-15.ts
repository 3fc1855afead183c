import { startPostgres, type PostgresServer } from "@lock/testkit/containers";
import pg from "pg";
import { expect, test } from "vitest";

/** The oldest PostgreSQL that is supported; other tests run on the newest. */
export async function startPostgres15(): Promise<PostgresServer> {
  const image = process.env["LOCK_TEST_POSTGRES_15_IMAGE"] || "postgres:15-alpine";
  try {
    // As many connections as all cases and their child processes together may open.
    return await startPostgres({ image, args: ["-c", "max_connections=300"] });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `This needs a PostgreSQL 15: install Docker and start it, or set LOCK_TEST_POSTGRES_15_IMAGE to an image of one (${why})`,
      { cause },
    );
  }
}

/** So that an image of another version is no proof for this one. */
export function testVersion15(url: string): void {
  test("the server is a PostgreSQL 15", async () => {
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query<{ version: number }>(
      "SELECT current_setting('server_version_num')::integer / 10000 AS version",
    );
    await client.end();
    expect(rows).toEqual([{ version: 15 }]);
  });
}
