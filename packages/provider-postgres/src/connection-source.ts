/** A `Pool` of `pg`. */
export interface PgPool {
  readonly options: object;
  readonly totalCount: number;
}

/** A drizzle database over `pg`. */
export interface DrizzleDatabase {
  /** A `Pool` of `pg`, or a `Client`. */
  readonly $client: object;
}

/** Where the database is: exactly one of the three. Nothing that is handed in is ever used for a statement, or closed; it tells how to connect. */
export interface ConnectionSource {
  /** Such as `postgres://user:password@host:5432/database?sslmode=require`. */
  readonly connectionString?: string | undefined;
  readonly pool?: PgPool | undefined;
  readonly db?: DrizzleDatabase | undefined;
}
