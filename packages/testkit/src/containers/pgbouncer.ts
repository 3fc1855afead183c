import type { Container } from "./container.ts";
import { postgresGreeting } from "./greeting.ts";
import { pgBouncerImage, publishedPgBouncerImage } from "./images.ts";
import { postgresName, type PostgresServer } from "./postgres.ts";
import { createNetwork } from "./private-network.ts";
import { startContainer } from "./start-container.ts";

export interface PgBouncer extends Container {
  /** The same database through the pooler, with the same user and password. */
  readonly url: string;
  /** Cuts it off from PostgreSQL, while its clients still reach it. */
  disconnect(): Promise<void>;
  connect(): Promise<void>;
}

export interface PgBouncerOptions {
  /** Default: `LOCK_TEST_PGBOUNCER_IMAGE`, the image of the PostgreSQL if it has PgBouncer, or a published one. */
  readonly image?: string;
  /** When a client gives its connection back. Default: `transaction`. */
  readonly poolMode?: "session" | "transaction" | "statement";
  /** More settings of its section `[pgbouncer]`, such as `{ default_pool_size: 1 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

async function hasPgBouncer(postgres: PostgresServer): Promise<boolean> {
  const found = await postgres.exec("sh", "-c", "command -v pgbouncer || true");
  return found.trim() !== "";
}

function configuration(
  address: string,
  { poolMode = "transaction", settings = {} }: PgBouncerOptions,
): string {
  const all = {
    listen_addr: "*",
    listen_port: 6432,
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: "/etc/pgbouncer-users.txt",
    admin_users: postgresName,
    pool_mode: poolMode,
    max_client_conn: 1000,
    // What some drivers ask for and a pool can't promise.
    ignore_startup_parameters: "extra_float_digits",
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return ["[databases]", `* = host=${address} port=5432`, "[pgbouncer]", ...lines, ""].join("\n");
}

/** A PgBouncer in front of a PostgreSQL. */
export async function startPgBouncer(
  postgres: PostgresServer,
  options: PgBouncerOptions = {},
): Promise<PgBouncer> {
  const image =
    options.image ??
    pgBouncerImage() ??
    ((await hasPgBouncer(postgres)) ? postgres.image : publishedPgBouncerImage);
  const network = await createNetwork();
  const [server, address] = [network.address(), network.address()];
  const leave = async (): Promise<void> => {
    await network.disconnect(postgres.id);
    await network[Symbol.asyncDispose]();
  };
  try {
    await network.connect(postgres.id, server);
    const container = await startContainer(() => ({
      image,
      // By no image's own start-up script; and it refuses to run as root.
      entrypoint: ["pgbouncer"],
      command: ["/etc/pgbouncer.ini"],
      user: "65534:65534",
      files: {
        "/etc/pgbouncer.ini": configuration(server, options),
        "/etc/pgbouncer-users.txt": `"${postgresName}" "${postgresName}"\n`,
      },
      port: 6432,
      greeting: postgresGreeting(postgresName, postgresName),
      network: { on: network, address },
    }));
    const { id, host, port, close: remove } = container;
    const close = async (): Promise<void> => {
      await remove();
      await leave();
    };
    return Object.assign(container, {
      url: `postgres://${postgresName}:${postgresName}@${host}:${port}/${postgresName}`,
      disconnect: async () => network.disconnect(id),
      connect: async () => network.connect(id, address),
      close,
      [Symbol.asyncDispose]: close,
    });
  } catch (error) {
    await leave();
    throw error;
  }
}
