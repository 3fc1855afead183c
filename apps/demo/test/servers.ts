function url(variable: "LOCK_TEST_REDIS_URL" | "LOCK_TEST_POSTGRES_URL"): string {
  const url = process.env[variable];
  if (url) return url;
  throw new Error(`${variable} is not set: run the tests from the root, whose set-up sets it.`);
}

export const redisUrl: string = url("LOCK_TEST_REDIS_URL");
export const postgresUrl: string = url("LOCK_TEST_POSTGRES_URL");
