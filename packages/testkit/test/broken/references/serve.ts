import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { StoreEvents } from "@lock/core";
import { onFrames, sendFrame } from "./frames.ts";
import { SharedStore, type Backend } from "./shared-store.ts";

/** What a client asks its server. */
export interface Request {
  readonly number: number;
  readonly method: "open" | "take" | "renew" | "release" | "releaseAll" | "inspect" | "count";
  readonly argument: unknown;
}

export type Reply =
  | { readonly number: number; readonly value: unknown }
  | { readonly event: keyof StoreEvents; readonly argument: unknown };

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What a client opens: a namespace of a backend of this kind. */
export interface Opening {
  readonly kind: string;
  readonly namespace: string;
}

/** Puts shared stores behind a socket, so that processes can meet in them and networks can fail before them. */
export async function serve(
  kinds: ReadonlyMap<string, new () => Backend>,
): Promise<{ readonly url: string; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let store: SharedStore | undefined;
    const tell =
      (event: keyof StoreEvents) =>
      (argument?: unknown): void =>
        sendFrame(socket, { event, argument } satisfies Reply);
    const events: StoreEvents = {
      granted: tell("granted"),
      wake: (ids) => tell("wake")([...ids]),
      wakeAll: tell("wakeAll"),
      lost: (ids) => tell("lost")([...ids]),
      lostAll: tell("lostAll"),
    };
    const answer = ({ method, argument }: Request): unknown => {
      if (method === "open") {
        const { kind, namespace } = argument as Opening;
        store = new SharedStore(`${kind} ${namespace}`, "", kinds.get(kind));
        return store.connect({ id: "served", logger: silent, events });
      }
      return store![method](argument as never);
    };
    onFrames(socket, (value) => {
      const request = value as Request;
      sendFrame(socket, { number: request.number, value: answer(request) } satisfies Reply);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      store?.close();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `locks://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
