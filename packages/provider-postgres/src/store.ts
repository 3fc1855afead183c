import { LockError } from "@lock/core";
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
  TakeReply,
} from "@lock/core";
import type { ConnectionSettings } from "./connection-settings.ts";
import { Connection } from "./connection.ts";
import { missingMigrations } from "./failures.ts";
import { tell, type Handovers } from "./operations/handovers.ts";
import { inspectCall, readInspectReplies } from "./operations/inspect.ts";
import {
  readReleaseAllReply,
  releaseAllCall,
  releaseAllSignature,
  releaseAllStart,
} from "./operations/release-all.ts";
import {
  readReleaseReplies,
  releaseCall,
  releaseOneSignature,
  releaseSignature,
} from "./operations/release.ts";
import { readRenewReplies, renewCall, renewSignature } from "./operations/renew.ts";
import { slices } from "./operations/slices.ts";
import { readSweepReply, sweepCall, sweepSignature } from "./operations/sweep.ts";
import { readTakeReplies, takeCall, takeOneSignature, takeSignature } from "./operations/take.ts";
import { WakeUp } from "./wake-up.ts";

/** Milliseconds between two sweeps of an instance that is in use. */
const sweepInterval = 30_000;

export interface PostgresStoreOptions {
  readonly settings: ConnectionSettings;
  readonly namespace: string;
  readonly connections: number;
  readonly callTimeout: number;
  readonly push: boolean;
}

export class PostgresStore implements LockStore {
  readonly capabilities: ProviderCapabilities;
  readonly #options: PostgresStoreOptions;
  #context: StoreContext | undefined;
  #connection: Connection | undefined;
  #wakeUp: WakeUp | undefined;
  #nextSweep = 0;
  #sweepPage: string | null = null;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
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

  async connect(context: StoreContext): Promise<void> {
    const { settings, connections, callTimeout, push } = this.#options;
    this.#context = context;
    const connection = new Connection({ settings, connections, callTimeout });
    const wakeUp = push
      ? new WakeUp({ settings, callTimeout, events: context.events, logger: context.logger })
      : undefined;
    this.#connection = connection;
    this.#wakeUp = wakeUp;
    try {
      await Promise.all([connection.open().then(() => checkServer(connection)), wakeUp?.start()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    // Somewhere in the interval, so that processes that live shortly sweep too, now and then.
    this.#nextSweep = performance.now() + Math.random() * sweepInterval;
    context.logger.info(`Connection to PostgreSQL in "${context.id}" provider established`);
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    const { namespace } = this.#options;
    return slices(claims, async (slice) => {
      const rows = await this.#opened.query(takeCall(namespace, this.#channel, slice));
      const { replies, handovers } = readTakeReplies(slice, rows);
      this.#tell(handovers);
      return replies;
    });
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    const { namespace } = this.#options;
    return slices(renewals, async (slice) => {
      const rows = await this.#opened.query(renewCall(namespace, this.#channel, slice));
      const { replies, handovers } = readRenewReplies(slice, rows);
      this.#tell(handovers);
      return replies;
    });
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    const { namespace } = this.#options;
    const answered = await slices(releases, async (slice) => {
      const rows = await this.#opened.query(releaseCall(namespace, this.#channel, slice));
      const { replies, handovers } = readReleaseReplies(slice, rows);
      this.#tell(handovers);
      return replies;
    });
    this.#sweepNowAndThen();
    return answered;
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    const { namespace } = this.#options;
    let progress = releaseAllStart;
    while (progress.after !== null) {
      const reply = readReleaseAllReply(
        await this.#opened.query(releaseAllCall(namespace, this.#channel, ownerId, progress)),
      );
      this.#tell(reply.handovers);
      progress = reply.progress;
    }
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return readInspectReplies(keys, await this.#opened.query(inspectCall(this.#options.namespace, keys)));
  }

  async close(): Promise<void> {
    const [connection, wakeUp] = [this.#connection, this.#wakeUp];
    this.#connection = undefined;
    this.#wakeUp = undefined;
    await Promise.all([connection?.close(), wakeUp?.close()]);
  }

  get #opened(): Connection {
    if (this.#connection === undefined)
      throw new LockError("LOCK_CLOSED", "The PostgreSQL provider is closed");
    return this.#connection;
  }

  get #channel(): string | null {
    return this.#wakeUp?.channel ?? null;
  }

  #tell(handovers: Handovers): void {
    if (this.#context !== undefined) tell(this.#context.events, handovers);
  }

  /** Beside the work and on nobody's time. What it can't do now the next one does. */
  #sweepNowAndThen(): void {
    const now = performance.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + sweepInterval;
    this.#opened.query(sweepCall(this.#sweepPage)).then(
      (rows) => {
        this.#sweepPage = readSweepReply(rows);
      },
      (error: unknown) => this.#context?.logger.debug(`Sweeping expired locks failed: ${String(error)}`),
    );
  }
}

async function checkServer(connection: Connection): Promise<void> {
  const functions = [
    takeSignature,
    takeOneSignature,
    renewSignature,
    releaseSignature,
    releaseOneSignature,
    releaseAllSignature,
    sweepSignature,
  ];
  const [row] = await connection.query({
    name: "",
    text: `SELECT pg_is_in_recovery(), (SELECT bool_and(to_regprocedure(f) IS NOT NULL) FROM unnest($1::text[]) AS f)`,
    values: [functions],
  });
  if (row?.[1] !== "t") throw new LockError("LOCK_UNAVAILABLE", missingMigrations);
  if (row[0] === "t") {
    throw new LockError("LOCK_UNAVAILABLE", "The server is a read-only replica: connect to the primary");
  }
}
