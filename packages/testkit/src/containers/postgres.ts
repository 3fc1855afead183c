import type { Container } from "./container.ts";
import { postgresGreeting } from "./greeting.ts";
import { postgresImage } from "./images.ts";
import { startContainer } from "./start-container.ts";

/** The name of the user (a superuser), of the password and of the database. */
export const postgresName = "lock";

export interface PostgresServer extends Container {
  readonly url: string;
}

export interface PostgresOptions {
  /** Default: `LOCK_TEST_POSTGRES_IMAGE`, or `postgres:17-alpine`. */
  readonly image?: string;
  /** More arguments for `postgres`, such as `["-c", "max_connections=300"]`. By default it does without `fsync`. */
  readonly args?: readonly string[];
}

/** One PostgreSQL. For faults of the network between it and its clients put `startProxy` in front. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { image = postgresImage(), args = [] } = options;
  const container = await startContainer(() => ({
    image,
    command: ["postgres", "-c", "fsync=off", ...args],
    environment: {
      POSTGRES_USER: postgresName,
      POSTGRES_PASSWORD: postgresName,
      POSTGRES_DB: postgresName,
    },
    port: 5432,
    greeting: postgresGreeting(postgresName, postgresName),
  }));
  const { host, port } = container;
  const url = `postgres://${postgresName}:${postgresName}@${host}:${port}/${postgresName}`;
  return Object.assign(container, { url });
}
