import { connect } from "node:net";

/** The first bytes of a client, and how a server begins its answer once it serves. */
export interface Greeting {
  readonly says: string | Uint8Array;
  readonly hears: RegExp;
}

// A password is the business of who set one.
export const redisGreeting: Greeting = { says: "PING\r\n", hears: /^(\+PONG|-NOAUTH)/ };

/** PostgreSQL's start-up message; a server that is starting or recovering answers it with an error. */
export function postgresGreeting(user: string, database: string): Greeting {
  const settings = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + settings.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return { says: Buffer.concat([head, settings]), hears: /^R/ };
}

/**
 * Whether the server answers as it should. A connection alone proves nothing: Docker's own proxy accepts it, whether or not
 * anybody listens inside.
 */
export async function answers(host: string, port: number, { says, hears }: Greeting): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.on("connect", () => socket.write(says));
    socket.on("data", (bytes) => end(hears.test(bytes.toString("latin1"))));
    for (const event of ["error", "timeout", "close"]) socket.on(event, () => end(false));
  });
}
