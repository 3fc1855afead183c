import { isLockError, LockError } from "@lock/core";
import type { Logger } from "@lock/core";
import { DISCONNECT_TIMEOUT, reconnectPause, type RedisClient } from "./client.ts";
import type { RedisClusterClient } from "./cluster-client.ts";
import { endClient, FIRST_CONTACT } from "./connection.ts";
import { asFailure, isRefusal } from "./failures.ts";
import { type Heard, tellEvents } from "./message.ts";

/** How often each channel is subscribed to again: who only listens would never find out that the other end is gone. */
const LOOK_INTERVAL = 5_000;
/** Milliseconds in which a node must answer, or another is asked. */
const PATIENCE = 2_000;
const MOST_REDIRECTIONS = 5;

/**
 * How a process hears that its waiters' turns have come, on a cluster: a sharded channel for each bucket, on the node that has the
 * bucket's slot, so that a script counts who hears it. Channels follow their slots: a node that gives one away says so, and whenever
 * the client looks how the slots lie, each channel is subscribed to again where it should be.
 */
export class ShardedWakeUp {
  readonly #cluster: RedisClusterClient;
  readonly #channels: readonly string[];
  readonly #events: Heard;
  readonly #logger: Logger;
  readonly #name: string;
  readonly #listeners = new Map<string, RedisClient>();
  // Where each channel is heard.
  readonly #places = new Map<string, string>();
  readonly #following = new Set<string>();
  readonly #again = new Set<string>();
  #looks: NodeJS.Timeout | undefined;
  #closed = false;
  #open = false;

  constructor(
    cluster: RedisClusterClient,
    channels: readonly string[],
    id: string,
    events: Heard,
    logger: Logger,
  ) {
    this.#cluster = cluster;
    this.#channels = channels;
    this.#events = events;
    this.#logger = logger;
    this.#name = `Wake-up connection in "${id}" provider`;
  }

  /** Resolves when it listens. */
  async open(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer")), FIRST_CONTACT);
    });
    try {
      await Promise.race([overdue, Promise.all(this.#channels.map((channel) => this.#subscribe(channel)))]);
      this.#open = true;
      this.#cluster.on("refresh", this.#followAll);
      this.#looks = setInterval(this.#followAll, LOOK_INTERVAL).unref();
    } catch (cause) {
      const refusal = asFailure(cause);
      if (isLockError(refusal)) throw refusal;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LockError("LOCK_UNAVAILABLE", `The cluster could not be subscribed to for wake-ups: ${why}`, {
        cause,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looks);
    this.#cluster.off("refresh", this.#followAll);
    await Promise.all([...this.#listeners.keys()].map((address) => this.#drop(address)));
  }

  readonly #followAll = (): void => {
    for (const channel of this.#channels) void this.#follow(channel);
  };

  /** Subscribes again, where the channel belongs now. What may have been missed meanwhile is asked for. */
  async #follow(channel: string): Promise<void> {
    if (this.#following.has(channel)) {
      this.#again.add(channel);
      return;
    }
    this.#following.add(channel);
    for (let tries = 1; !this.#closed && this.#open; tries += 1) {
      this.#again.delete(channel);
      const before = this.#places.get(channel);
      try {
        await this.#subscribe(channel);
        if (before !== this.#places.get(channel) || tries > 1) this.#events.wakeAll();
        if (!this.#again.has(channel)) break;
      } catch (error) {
        if (isRefusal(error) && isLockError(asFailure(error))) {
          this.#logger.warn(`${this.#name} is refused, so waiters are slow to hear: ${error.message}`);
        }
        await new Promise((resolve) => setTimeout(resolve, reconnectPause(tries)).unref());
      }
    }
    this.#following.delete(channel);
  }

  async #subscribe(channel: string): Promise<void> {
    let address = this.#places.get(channel) ?? this.#anyMaster();
    for (let redirections = 0; ; redirections += 1) {
      const at = address;
      try {
        await this.#within(at, (await this.#listener(at)).call("ssubscribe", [channel]));
        this.#places.set(channel, at);
        return;
      } catch (error) {
        this.#places.delete(channel);
        const moved = isRefusal(error) ? /^MOVED \d+ (\S+)$/.exec(error.message)?.[1] : undefined;
        if (moved === undefined || redirections === MOST_REDIRECTIONS) throw error;
        address = this.#mapped(moved, at);
      }
    }
  }

  /** Gives a node up that does not answer: it may be frozen, with another in its place already. */
  async #within<T>(address: string, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        answer,
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            void this.#drop(address);
            reject(new Error(`${address} does not answer`));
          }, PATIENCE);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  #anyMaster(): string {
    const masters = this.#cluster.nodes("master");
    const one = masters[Math.floor(Math.random() * masters.length)];
    if (!one) throw new Error("no node of the cluster can be reached");
    return `${one.options.host}:${one.options.port}`;
  }

  async #listener(address: string): Promise<RedisClient> {
    const known = this.#listeners.get(address);
    if (known) return known;
    if (this.#closed) throw new Error("The provider was closed");
    const [model] = this.#cluster.nodes("all");
    if (!model) throw new Error("no node of the cluster can be reached");
    const colon = address.lastIndexOf(":");
    const listener = model.duplicate({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      lazyConnect: true,
      readOnly: false,
      enableReadyCheck: false,
      enableOfflineQueue: true,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      // Another node may have its slots when it is back: so it is connected to anew, if at all.
      retryStrategy: null,
      disconnectTimeout: DISCONNECT_TIMEOUT,
      keyPrefix: "",
      socketTimeout: undefined,
      commandTimeout: undefined,
    });
    this.#listeners.set(address, listener);
    listener.on("smessage", (_channel, message) => tellEvents(this.#events, message));
    listener.on("error", (error) => this.#logger.debug(`${this.#name}: ${error.message}`));
    listener.on("moved", () => this.#followFrom(address));
    listener.on("end", () => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
      this.#followFrom(address);
    });
    return listener;
  }

  #followFrom(address: string): void {
    if (!this.#open || this.#closed) return;
    for (const [channel, place] of this.#places) if (place === address) void this.#follow(channel);
  }

  async #drop(address: string): Promise<void> {
    const listener = this.#listeners.get(address);
    this.#listeners.delete(address);
    if (listener) await endClient(listener);
  }

  /** As clients reach what the cluster calls so. */
  #mapped(address: string, askedAt: string): string {
    const { natMap } = this.#cluster.options;
    const mapped = typeof natMap === "function" ? natMap(address) : natMap?.[address];
    if (mapped) return `${mapped.host}:${mapped.port}`;
    // Without a host: the same one.
    return address.startsWith(":") ? askedAt.slice(0, askedAt.lastIndexOf(":")) + address : address;
  }
}
