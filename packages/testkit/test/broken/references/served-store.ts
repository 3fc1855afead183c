import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type {
  Claim,
  KeyState,
  LockStore,
  ProviderCapabilities,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  StoreEvents,
  TakeReply,
} from "@lock/core";
import { onFrames, sendFrame } from "./frames.ts";
import { ReferenceStore } from "./reference-store.ts";
import type { Opening, Reply, Request } from "./serve.ts";

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The client of a store behind a socket: shared by processes, and out of reach when the network says so. */
export class ServedStore implements LockStore {
  static readonly remote: boolean = true;
  readonly capabilities: ProviderCapabilities = { ...new ReferenceStore().capabilities, scope: "shared" };
  /** Of the backend that the server is to keep for it. */
  readonly kind: string = "correct";
  readonly namespace: string;
  readonly url: URL;
  events: StoreEvents | undefined;
  #socket: Promise<Socket> | null = null;
  #closed = false;
  #numbers = 0;
  readonly #pending = new Map<number, Pending>();

  constructor(namespace: string, url: string) {
    this.namespace = namespace;
    this.url = new URL(url);
  }

  async connect({ id, logger, events }: StoreContext): Promise<void> {
    this.events = events;
    await this.#open();
    logger.info(`Connection to the server in "${id}" provider established`);
  }

  async take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
    return (await this.ask("take", claims)) as TakeReply[];
  }

  async renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
    return (await this.ask("renew", renewals)) as RenewReply[];
  }

  async release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return (await this.ask("release", releases)) as ReleaseReply[];
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    await this.ask("releaseAll", ownerId);
  }

  async inspect(keys: readonly string[]): Promise<readonly KeyState[]> {
    return (await this.ask("inspect", keys)) as KeyState[];
  }

  async count(): Promise<number> {
    return (await this.ask("count", null)) as number;
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#socket?.catch(() => null))?.destroy();
  }

  async ask(method: Request["method"], argument: unknown): Promise<unknown> {
    return await this.#send(await this.#open(), method, argument);
  }

  async #open(): Promise<Socket> {
    this.#socket ??= this.#dial();
    try {
      return await this.#socket;
    } catch (error) {
      this.#socket = null;
      throw error;
    }
  }

  async #dial(): Promise<Socket> {
    if (this.#closed) throw new Error("The store is closed");
    const socket = connect({ host: this.url.hostname, port: Number(this.url.port), noDelay: true });
    onFrames(socket, (value) => this.#hear(value as Reply));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#cut());
    await once(socket, "connect");
    const { kind, namespace } = this;
    await this.#send(socket, "open", { kind, namespace } satisfies Opening);
    // What was told while nobody listened was missed.
    if (this.#numbers > 1) this.events?.wakeAll();
    return socket;
  }

  async #send(socket: Socket, method: Request["method"], argument: unknown): Promise<unknown> {
    if (socket.destroyed) throw new Error("The connection was cut");
    const number = ++this.#numbers;
    return await new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject });
      sendFrame(socket, { number, method, argument } satisfies Request);
    });
  }

  #hear(reply: Reply): void {
    if ("event" in reply) return this.events?.[reply.event](reply.argument as never);
    this.#pending.get(reply.number)?.resolve(reply.value);
    this.#pending.delete(reply.number);
  }

  #cut(): void {
    this.#socket = null;
    const cut = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of cut) reject(new Error("The connection was cut"));
  }
}
