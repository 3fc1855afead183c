import type { Logger, StoreEvents } from "@lock/core";
import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import type { ConnectionSettings } from "./connection-settings.ts";
import { farewell } from "./farewell.ts";
import { types } from "./statement.ts";
import { explained } from "./failures.ts";
import { readNotification, type Handovers } from "./operations/handovers.ts";
import { readServer, serverStatement, type Server } from "./pooler.ts";
import { sessionStatement, settingNames } from "./session.ts";

const firstPause = 50;
const longestPause = 2_000;

export interface WakeUpOptions {
  readonly settings: ConnectionSettings;
  readonly callTimeout: number;
  readonly events: StoreEvents;
  readonly logger: Logger;
  readonly tell: (handovers: Handovers) => void;
}

/**
 * The one connection that hears what other instances hand to our waiters. While it is cut, their waiters' own checks find
 * it; when it is back, all of them are told to ask, since notifications may have been missed.
 */
export class WakeUp {
  /** Ours alone, so that a notification reaches those it is for and nobody else. */
  readonly channel: string = `locking_${randomBytes(12).toString("hex")}`;
  readonly #options: WakeUpOptions;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
  }

  /** Resolves with the server that it listens to; behind a pooler it hears nothing. */
  async start(): Promise<Server> {
    const { settings, callTimeout, tell } = this.#options;
    const client = new settings.Client({ ...settings.config, connectionTimeoutMillis: callTimeout });
    this.#client = client;
    client.on("error", () => {});
    client.on("notification", ({ channel, payload }) => {
      if (channel === this.channel && payload !== undefined && !this.#closed) tell(readNotification(payload));
    });
    try {
      await client.connect();
      const text = serverStatement(settingNames);
      // Silence is a failure here as well: without an end to it nobody would listen any more.
      const within = { query_timeout: callTimeout };
      const { rows } = await client.query<(string | null)[]>({ text, rowMode: "array", types, ...within });
      const server = readServer(client, rows[0]);
      if (!server.pooled) {
        await client.query({ text: sessionStatement(callTimeout), ...within });
        await client.query({ text: `LISTEN ${this.channel}`, ...within });
      }
      // One that ends before is told of by the failure alone: two would follow it, and one of them be forgotten.
      client.on("end", () => this.#lost(client));
      this.#failures = 0;
      return server;
    } catch (error) {
      if (this.#client === client) this.#client = undefined;
      client.end().catch(() => {});
      throw explained(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await farewell(client);
  }

  #lost(client: Client): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    this.#options.logger.warn(
      "The connection that hears PostgreSQL's notifications was cut; waiters ask by themselves until it is back",
    );
    this.#startLater();
  }

  #startLater(): void {
    const pause = Math.min(firstPause * 2 ** this.#failures, longestPause);
    this.#failures += 1;
    this.#timer = setTimeout(
      () => {
        this.start().then(
          () => !this.#closed && this.#options.events.wakeAll(),
          () => !this.#closed && this.#startLater(),
        );
      },
      pause * (0.5 + Math.random() / 2),
    );
  }
}
