export type { ConnectionSource, DrizzleDatabase, PgClient, PgPool } from "./connection-settings.ts";
export { migrate, type MigrationReport } from "./migrate.ts";
export { postgresProvider, postgresProvider as default, type PostgresProviderOptions } from "./provider.ts";
