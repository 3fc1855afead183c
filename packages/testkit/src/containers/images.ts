/** The images by default; the environment names others, for another version or a machine that can't pull these. */
export function redisImage(): string {
  return process.env["LOCK_TEST_REDIS_IMAGE"] || "redis:8-alpine";
}

export function postgresImage(): string {
  return process.env["LOCK_TEST_POSTGRES_IMAGE"] || "postgres:17-alpine";
}

/** `undefined`: the image of the PostgreSQL it stands before, if that has a PgBouncer. */
export function pgBouncerImage(): string | undefined {
  return process.env["LOCK_TEST_PGBOUNCER_IMAGE"] || undefined;
}

export const publishedPgBouncerImage = "edoburu/pgbouncer:v1.24.1-p1";
