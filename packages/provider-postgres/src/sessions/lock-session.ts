import { randomBytes } from "node:crypto";
import type { Client } from "pg";
import type { ConnectionSettings } from "../connection-settings.ts";
import { cut, farewell } from "../farewell.ts";
import { explained, spoilsConnection } from "../failures.ts";
import { halves, namespaceMark } from "../operations/advisory.ts";
import type { Call, Row } from "../operations/request.ts";
import { behindPooler } from "../pooler.ts";
import { liveness, sessionStatement } from "../session.ts";
import { sendCall } from "../statement.ts";

export interface LockSessionOptions {
  readonly settings: ConnectionSettings;
  readonly namespace: string;
  /** Milliseconds after which a statement without an answer means that the connection is dead. */
  readonly callTimeout: number;
  /** The session is over, and with it everything that lived with it. Called once. */
  readonly lost: (session: LockSession, cause: unknown) => void;
}

/**
 * Milliseconds without an answer that are too many, whatever a call may take: the server itself ends the session of a host that it can't reach
 * after 25 s (`liveness`), and by then its jobs must have been told.
 */
const longestSilence = 20_000;

const probe: Call = { name: "", text: "SELECT", values: [] };

/** A long-lived connection that locks live with. What is asked of it never waits in the server, so that its locks never wait for one another. */
export class LockSession {
  /** The number that rows name: the session holds an advisory lock on it for as long as it lives. */
  readonly id: bigint = randomBytes(8).readBigInt64BE(0);
  readonly #options: LockSessionOptions;
  readonly #client: Client;
  #state: "opening" | "open" | "over" = "opening";
  #underWay = 0;
  readonly #turns: (() => void)[] = [];
  // When the server was last known to be at it: an answer came, or the first of what is under way was sent.
  #aliveAt = 0;

  constructor(options: LockSessionOptions) {
    this.#options = options;
    const { settings, callTimeout } = options;
    this.#client = new settings.Client({ ...settings.config, connectionTimeoutMillis: callTimeout });
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /** Nothing is asked of it just now. */
  get idle(): boolean {
    return this.#underWay === 0;
  }

  async start(): Promise<void> {
    const { namespace, callTimeout } = this.#options;
    const client = this.#client;
    let reason: unknown;
    client.on("error", (error) => (reason ??= error));
    try {
      await client.connect();
      client.on("end", () => this.#end(reason ?? new Error("The connection ended")));
      this.#aliveAt = performance.now();
      const settings = sessionStatement(callTimeout, liveness);
      await this.#send({ name: "", text: settings, values: [] }, callTimeout);
      const first: Call = {
        name: "",
        text: "SELECT pg_backend_pid(), pg_advisory_lock($1, $2), pg_advisory_lock_shared($3, $4)",
        values: [...halves(this.id), ...halves(namespaceMark(namespace))],
      };
      const [row] = await this.#send(first, callTimeout);
      const { processID } = client as unknown as { processID?: number | null };
      if (typeof processID === "number" && processID !== Number(row?.[0])) throw behindPooler();
    } catch (error) {
      this.#state = "over";
      client.end().catch(() => {});
      throw explained(error);
    }
    this.#state = "open";
  }

  /** @throws {LockError} for a refusal; anything else as the client throws it. */
  async query(call: Call): Promise<readonly Row[]> {
    try {
      return await this.#send(call);
    } catch (error) {
      // What the server has forgotten of this session can't be told from what it still has.
      if (spoilsConnection(error)) this.#end(error);
      throw explained(error);
    }
  }

  /** `timeout`: milliseconds; 0: none, `check` finds out. */
  async #send(call: Call, timeout = 0): Promise<readonly Row[]> {
    if (this.#state === "over") throw new Error("The lock session is over");
    if (this.#underWay === 0) this.#aliveAt = performance.now();
    this.#underWay += 1;
    try {
      // One at a time, first come first served: the client's own queue is to go with pg 9.
      if (this.#underWay > 1) await new Promise<void>((resolve) => this.#turns.push(resolve));
      return await sendCall(this.#client, call, timeout);
    } finally {
      this.#underWay -= 1;
      this.#aliveAt = performance.now();
      this.#turns.shift()?.();
    }
  }

  /**
   * Called now and then while something lives with it: finds out whether the server is there still. `late`: this process stood still for a
   * while, so answers may be there that it has not read yet.
   */
  check(now: number, late: boolean, quietFor: number): void {
    if (!this.open) return;
    const patience = Math.min(this.#options.callTimeout, longestSilence);
    if (this.#underWay === 0) {
      if (now - this.#aliveAt >= quietFor) this.ask();
    } else if (late) {
      this.#aliveAt = now;
    } else if (now - this.#aliveAt > patience) {
      this.#end(new Error(`The server gave no answer within ${patience} ms`));
    }
  }

  /** Asks for a sign of life, which finds out where the connection has ended. */
  ask(): void {
    this.query(probe).catch(() => {});
  }

  /** What it holds is not known any more: the end of it frees that too. */
  abandon(cause: unknown): void {
    this.#end(cause);
  }

  async close(): Promise<void> {
    this.#state = "over";
    await farewell(this.#client);
  }

  #end(cause: unknown): void {
    const was = this.#state;
    this.#state = "over";
    if (was !== "open") return;
    cut(this.#client);
    this.#options.lost(this, cause);
  }
}
