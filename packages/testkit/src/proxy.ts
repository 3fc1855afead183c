import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { deferred, type Deferred } from "./world/deferred.ts";

/** Where the backend listens. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** A TCP proxy between a provider and its backend, that does to their connections what networks do. */
export interface FaultProxy extends AsyncDisposable {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** How many connections go through it. */
  readonly connections: number;
  /** Delays everything, in both directions, by so many milliseconds from now on; what is on its way already keeps its delay. */
  latency(milliseconds: number): void;
  /** Holds back everything in both directions, connections stay open; `resume` lets it through. */
  stall(): void;
  resume(): void;
  /** Resets every connection at once. */
  cut(): void;
  /** Refuses new connections; those there are stay. `restore` takes that back. */
  refuse(): Promise<void>;
  restore(): Promise<void>;
  /** Lets the next bytes that come from the backend get lost, and cuts the connection that they were for. Resolves then. */
  loseReply(): Promise<void>;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly backend: Socket;
}

/** Starts a proxy to `target` on a free port of this machine. */
export async function startProxy(target: ProxyTarget): Promise<FaultProxy> {
  const links = new Set<Link>();
  let delay = 0;
  let stalled: Deferred<void> | null = null;
  let lose: (() => void) | null = null;

  const cut = ({ client, backend }: Link): void => {
    client.resetAndDestroy();
    backend.resetAndDestroy();
  };
  const resumed = async (): Promise<void> => {
    if (stalled === null) return;
    await stalled.promise;
    // It may be stalled anew meanwhile.
    await resumed();
  };
  // For one direction of a connection: what comes later is never delivered sooner, though it be delayed for less.
  const inOrder = (): ((deliver: () => void) => void) => {
    let last = Promise.resolve();
    return (deliver) => {
      const [before, due] = [
        last,
        // The connections keep the process up for as long as there are any.
        delay > 0 ? pause(delay, undefined, { ref: false }) : undefined,
      ];
      last = (async () => {
        await before;
        await due;
        await resumed();
        deliver();
      })();
    };
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const backend = connect({ ...target, noDelay: true, allowHalfOpen: true });
    const link: Link = { client, backend };
    links.add(link);
    const pipe = (from: Socket, to: Socket): void => {
      const later = inOrder();
      from.on("data", (bytes) => {
        if (from === backend && lose !== null) {
          const lost = lose;
          lose = null;
          cut(link);
          return lost();
        }
        later(() => void (to.destroyed || to.write(bytes)));
      });
      from.on("end", () => later(() => void to.end()));
      from.on("error", () => cut(link));
      from.on("close", (failed) => {
        // What one side has yet to hear may be held back still.
        if (client.destroyed && backend.destroyed) links.delete(link);
        if (failed) cut(link);
      });
    };
    pipe(client, backend);
    pipe(backend, client);
  });

  const listen = async (port: number): Promise<number> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const refuse = async (): Promise<void> => {
    if (!server.listening) return;
    // Its callback waits for every connection to end; it stops listening at once.
    server.close();
    await new Promise(setImmediate);
  };
  const port = await listen(0);
  const resume = (): void => {
    const held = stalled;
    stalled = null;
    held?.resolve();
  };
  const close = async (): Promise<void> => {
    await refuse();
    for (const link of links) cut(link);
  };
  return {
    host: "127.0.0.1",
    port,
    get connections() {
      return links.size;
    },
    latency: (milliseconds) => {
      delay = milliseconds;
    },
    stall: () => {
      stalled ??= deferred();
    },
    resume,
    cut: () => {
      for (const link of links) cut(link);
    },
    refuse,
    restore: async () => {
      if (!server.listening) await listen(port);
    },
    loseReply: async () => {
      await new Promise<void>((resolve) => {
        lose = resolve;
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
