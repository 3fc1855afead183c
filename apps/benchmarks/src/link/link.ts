import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** What the process of a link is told, and what it answers. */
export interface LinkOrder {
  readonly host: string;
  readonly port: number;
  /** Milliseconds each way. */
  readonly delay: number;
}

interface Packet {
  readonly due: number;
  readonly to: Socket;
  readonly bytes: Buffer;
}

/**
 * A TCP link that delays. A timer's millisecond is too coarse for that, so while anything is under way this process looks at the clock
 * without a pause; which is why it is a process of its own.
 */
class Link {
  readonly #order: LinkOrder;
  // All delays are the same, so whatever was sent first is due first.
  readonly #packets: Packet[] = [];
  #looking = false;

  constructor(order: LinkOrder) {
    this.#order = order;
  }

  join(client: Socket): void {
    const { host, port } = this.#order;
    const server = connect({ host, port, noDelay: true });
    this.#pipe(client, server);
    this.#pipe(server, client);
  }

  #pipe(from: Socket, to: Socket): void {
    from.on("data", (bytes) => this.#send({ due: performance.now() + this.#order.delay, to, bytes }));
    from.on("close", () => to.destroy());
    from.on("error", () => to.destroy());
  }

  #send(packet: Packet): void {
    this.#packets.push(packet);
    if (this.#looking) return;
    this.#looking = true;
    setImmediate(() => this.#look());
  }

  #look(): void {
    const now = performance.now();
    while (this.#packets[0] !== undefined && this.#packets[0].due <= now) {
      const { to, bytes } = this.#packets.shift()!;
      to.write(bytes);
    }
    this.#looking = this.#packets.length > 0;
    if (this.#looking) setImmediate(() => this.#look());
  }
}

/** Lays the link that the parent process orders, and tells it the port. */
export function startLink(): void {
  process.once("message", (order) => {
    const link = new Link(order as LinkOrder);
    const server = createServer({ noDelay: true }, (client) => link.join(client));
    server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  });
  process.on("disconnect", () => process.exit());
}
