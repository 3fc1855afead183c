import { startPostgres, startRedis, type Container } from "@lock/testkit/containers";

interface Server extends Container {
  readonly url: string;
}

// As many connections as all test files and their child processes together may open.
const connections = ["-c", "max_connections=300"];

/**
 * Puts the server's URL into the environment, which the tests and the processes they start read; and its image, which says
 * to tests that need servers of their own that there are containers.
 */
async function provide(
  kind: "REDIS" | "POSTGRES",
  start: () => Promise<Server>,
): Promise<() => Promise<void>> {
  const variable = `LOCK_TEST_${kind}_URL`;
  if (process.env[variable]) return async () => {};
  try {
    const server = await start();
    process.env[variable] = server.url;
    process.env[`LOCK_TEST_${kind}_IMAGE`] = server.image;
    return server.close;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The tests need servers: install Docker and start it, or set ${variable} to the URL of one to use (${reason}).`,
      { cause },
    );
  }
}

/** One Redis and one PostgreSQL for the whole run; each test takes a namespace of its own on them. */
export default async function setup(): Promise<() => Promise<void>> {
  const servers = await Promise.allSettled([
    provide("REDIS", startRedis),
    provide("POSTGRES", async () => startPostgres({ args: connections })),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map(async (server) => server.status === "fulfilled" && server.value()));
    // A child of a test that was killed can outlive it and hold Vitest's pipes open, which would wait for it for ever.
    setTimeout(() => process.exit(), 15_000).unref();
  };
  const refused = servers.find((server) => server.status === "rejected");
  if (refused) {
    await stop();
    throw refused.reason;
  }
  return stop;
}
