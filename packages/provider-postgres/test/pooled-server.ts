import { startPgBouncer, startPostgres, type PgBouncer, type PostgresServer } from "@lock/testkit/containers";
import { migrate } from "../src/migrate.ts";

export interface PooledServer extends AsyncDisposable {
  /** Of the server itself. */
  readonly url: string;
  readonly pooler: PgBouncer;
}

/** A migrated server behind a PgBouncer that gives its connections back after each transaction. */
export async function pooledServer(
  settings: Record<string, string | number> = {},
  start: () => Promise<PostgresServer> = startPostgres,
): Promise<PooledServer> {
  const server = await start();
  try {
    await migrate(server.url);
    const pooler = await startPgBouncer(server, { settings });
    return {
      url: server.url,
      pooler,
      async [Symbol.asyncDispose]() {
        await pooler.close();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}
