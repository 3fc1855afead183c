import { randomBytes } from "node:crypto";
import type {
  Claim,
  KeyState,
  LockStore,
  Logger,
  ProviderCapabilities,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  TakeReply,
} from "@lock/core";
import type { ClientSource } from "./client.ts";
import { Connection } from "./connection.ts";
import { isRefusal } from "./failures.ts";
import { KeyLayout } from "./key-layout.ts";
import { decodeInspect, encodeInspect, inspectScript } from "./operations/inspect.ts";
import {
  decodeReleaseAll,
  encodeReleaseAll,
  releaseAllScript,
  type Stage,
  START,
} from "./operations/release-all.ts";
import { decodeRelease, encodeRelease, releaseScript } from "./operations/release.ts";
import { decodeRenew, encodeRenew, renewScript } from "./operations/renew.ts";
import { decodeTake, encodeTake, takeScript } from "./operations/take.ts";
import { WakeUp } from "./wake-up.ts";

export interface RedisStoreOptions extends ClientSource {
  readonly namespace: string;
  /** Milliseconds. */
  readonly callTimeout: number;
  readonly push: boolean;
}

/** Locks in one namespace of a Redis server. */
export class RedisStore implements LockStore {
  readonly capabilities: ProviderCapabilities;
  readonly #options: RedisStoreOptions;
  readonly #layout: KeyLayout;
  readonly #channel: string;
  #connection: Connection;
  #wakeUp: WakeUp | null = null;
  #marks = 0;
  readonly #instance = randomBytes(12).toString("base64url");

  /** @throws {LockError} `LOCK_CONFIG` unless the options name exactly one server. */
  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#layout = new KeyLayout(options.namespace);
    this.#channel = options.push ? this.#layout.channel(this.#instance) : "";
    this.#connection = new Connection(options, options.callTimeout);
    this.capabilities = {
      scope: "shared",
      fencing: true,
      limits: true,
      fifo: true,
      push: options.push,
      inspect: true,
      transactions: false,
      crashRelease: "lease",
    };
  }

  async connect({ id, logger, events }: StoreContext): Promise<void> {
    try {
      const scripts = [takeScript, renewScript, releaseScript, releaseAllScript, inspectScript];
      await this.#connection.open(id, logger, scripts);
      if (this.#options.push) {
        this.#wakeUp = new WakeUp(this.#connection.client, this.#channel, id, events, logger);
        await this.#wakeUp.open();
      }
      await this.#warnOfEviction(id, logger);
    } catch (error) {
      await this.close();
      this.#connection = new Connection(this.#options, this.#options.callTimeout);
      throw error;
    }
    logger.info(`Connection to Redis in "${id}" provider established`);
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    return decodeTake(claims, await this.#connection.run(encodeTake(this.#layout, this.#channel, claims)));
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    return decodeRenew(renewals, await this.#connection.run(encodeRenew(this.#layout, renewals)));
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    const once = this.#connection.resends && releases.some((release) => release.by === "owner");
    const mark = once ? `${this.#instance}-${(this.#marks += 1).toString(36)}` : null;
    const reply = decodeRelease(await this.#connection.run(encodeRelease(this.#layout, releases, mark)));
    return reply;
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    const stages: readonly Stage[] = ownerId === null ? ["unbounded", "awaited"] : [{ ownerId }];
    for (const stage of stages) {
      let walk = START;
      do {
        walk = decodeReleaseAll(await this.#connection.run(encodeReleaseAll(this.#layout, stage, walk)));
      } while (walk.cursor !== START.cursor);
    }
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return decodeInspect(keys, await this.#connection.run(encodeInspect(this.#layout, keys)));
  }

  async close(): Promise<void> {
    const wakeUp = this.#wakeUp;
    this.#wakeUp = null;
    await Promise.all([wakeUp?.close(), this.#connection.close()]);
  }

  async #warnOfEviction(id: string, logger: Logger): Promise<void> {
    let memory: unknown;
    try {
      memory = await this.#connection.command("info", ["memory"]);
    } catch (error) {
      // A user without the right to ask may lock all the same.
      if (isRefusal(error)) return;
      throw error;
    }
    const policy = /^maxmemory_policy:(\S+)/m.exec(String(memory))?.[1] ?? "noeviction";
    if (policy === "noeviction") return;
    logger.warn(
      `Redis in "${id}" provider evicts data when memory runs out (maxmemory-policy ${policy}): locks and fencing counters ` +
        `may vanish while they are held. Set maxmemory-policy noeviction on a server that holds locks`,
    );
  }
}
