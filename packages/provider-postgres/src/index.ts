export type { ConnectionSource, DrizzleDatabase, PgPool } from "./connection-source.ts";
export { migrate, migrationStatus, type MigrationReport } from "./migrate.ts";
export type { AppliedMigration, MigrationStatus } from "./migration-history.ts";
export type { Names } from "./names.ts";
export { postgresProvider, postgresProvider as default, type PostgresProviderOptions } from "./provider.ts";
