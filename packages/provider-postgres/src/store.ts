import { LockError } from "@lock/core";
import type {
  Binding,
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
import { checkServer } from "./check-server.ts";
import type { ConnectionSettings } from "./connection-settings.ts";
import { Connection } from "./connection.ts";
import { endSessionsCall } from "./operations/end-sessions.ts";
import { tell, type Handovers } from "./operations/handovers.ts";
import { readSweepReply, sweepCall } from "./operations/sweep.ts";
import { Pulse } from "./pulse.ts";
import { Rows } from "./rows.ts";
import { SessionLocks } from "./sessions/session-locks.ts";
import { Transactions } from "./transactions.ts";
import { WaitingClaims } from "./waiting-claims.ts";
import { WakeUp } from "./wake-up.ts";

/** Milliseconds between two sweeps of an instance that is in use. */
const sweepInterval = 30_000;

export interface PostgresStoreOptions {
  readonly settings: ConnectionSettings;
  readonly namespace: string;
  readonly connections: number;
  readonly callTimeout: number;
  readonly push: boolean;
  /** How many connections the locks of `execute` live with. Default: none, they live with leases. */
  readonly sessions?: number;
}

interface Opened {
  readonly connection: Connection;
  readonly wakeUp: WakeUp | undefined;
  readonly rows: Rows;
  readonly sessions: SessionLocks | undefined;
  readonly pulse: Pulse;
}

export class PostgresStore implements LockStore {
  readonly capabilities: ProviderCapabilities;
  readonly #options: PostgresStoreOptions;
  readonly #waiting = new WaitingClaims();
  readonly #transactions = new Transactions();
  #context: StoreContext | undefined;
  #opened: Opened | undefined;
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
      transactions: true,
      crashRelease: (options.sessions ?? 0) > 0 ? "session" : "lease",
    };
  }

  async connect(context: StoreContext): Promise<void> {
    const { settings, namespace, connections, callTimeout, push, sessions: count = 0 } = this.#options;
    const { events, logger } = context;
    this.#context = context;
    const connection = new Connection({ settings, connections, callTimeout });
    const wakeUp = push ? new WakeUp({ settings, callTimeout, events, logger, tell: this.#tell }) : undefined;
    const channel = wakeUp?.channel ?? null;
    const rows = new Rows({ namespace, connection, channel, tell: this.#tell });
    const sessions =
      count > 0
        ? new SessionLocks({
            settings,
            namespace,
            callTimeout,
            sessions: count,
            connection,
            rows,
            events,
            logger,
          })
        : undefined;
    const pulse = new Pulse({
      rows,
      sessions,
      waiting: this.#waiting,
      transactions: this.#transactions,
      logger,
    });
    this.#opened = { connection, wakeUp, rows, sessions, pulse };
    try {
      // The functions first: what a session says of one that is missing is harder to understand.
      await connection.open();
      await checkServer(connection);
      await Promise.all([wakeUp?.start(), sessions?.start()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    pulse.start();
    // Somewhere in the interval, so that processes that live shortly sweep too, now and then.
    this.#nextSweep = performance.now() + Math.random() * sweepInterval;
    logger.info(`Connection to PostgreSQL in "${context.id}" provider established`);
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    const { rows, sessions } = this.#open;
    const replies = await (sessions ?? rows).take(claims);
    for (const [n, claim] of claims.entries()) {
      const status = replies[n]?.status;
      if (status === "queued") this.#waiting.add(claim);
      else if (status !== "failed") this.#waiting.delete(claim.id);
    }
    return replies;
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    const { rows, sessions } = this.#open;
    if (sessions === undefined) return rows.renew(renewals);
    const byRows = renewals.flatMap((renewal) => {
      const how = sessions.renews(renewal.grantId);
      if (how === "bare") return [];
      return [{ renewal, asked: how === "row" ? { ...renewal, lease: Infinity } : renewal }];
    });
    const replies = byRows.length > 0 ? await rows.renew(byRows.map(({ asked }) => asked)) : [];
    let at = 0;
    return renewals.map((renewal) => {
      if (byRows[at]?.renewal !== renewal) return { status: "renewed", remaining: Infinity };
      return replies[at++] as RenewReply;
    });
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    const { rows, sessions } = this.#open;
    for (const release of releases) if (release.by === "claim") this.#waiting.delete(release.claimId);
    const answered = await (sessions ?? rows).release(releases);
    this.#sweepNowAndThen();
    return answered;
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    const { connection, rows } = this.#open;
    if (ownerId !== null) return rows.releaseAll(ownerId);
    // Who gets in as soon as the sessions are over is not to be thrown out by what comes after.
    const bound = await rows.bound();
    // What is held bare ends with its session alone.
    await connection.query(endSessionsCall(this.#options.namespace));
    await rows.releaseAll(null, bound);
  }

  async bind(binding: Binding): Promise<void> {
    const { rows, sessions } = this.#open;
    await this.#transactions.bind(binding, rows);
    sessions?.forget(binding.grantId);
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return this.#open.rows.inspect(keys);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    opened.pulse.stop();
    await Promise.all([opened.sessions?.close(), opened.wakeUp?.close()]);
    await opened.connection.close();
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw new LockError("LOCK_CLOSED", "The PostgreSQL provider is closed");
    return this.#opened;
  }

  readonly #tell = (handovers: Handovers): void => {
    if (this.#context === undefined) return;
    for (const { claimId } of handovers.granted) this.#waiting.delete(claimId);
    tell(this.#context.events, handovers);
  };

  /** Beside the work and on nobody's time. What it can't do now the next one does. */
  #sweepNowAndThen(): void {
    const now = performance.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + sweepInterval;
    this.#open.connection.query(sweepCall(this.#sweepPage)).then(
      (rows) => {
        this.#sweepPage = readSweepReply(rows);
      },
      (error: unknown) => this.#context?.logger.debug(`Sweeping expired locks failed: ${String(error)}`),
    );
  }
}
