export type { ConnectionSource, DrizzleDatabase, PgPool } from "./connection-source.ts";
export { migrate, type MigrationReport } from "./migrate.ts";
export { postgresProvider, postgresProvider as default, type PostgresProviderOptions } from "./provider.ts";
