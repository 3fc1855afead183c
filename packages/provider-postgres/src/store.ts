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
import { explainedEnd } from "./failures.ts";
import { endSessionsCall } from "./operations/end-sessions.ts";
import { tell, type Handovers } from "./operations/handovers.ts";
import { readSweepReply, sweepCall } from "./operations/sweep.ts";
import { behindPooler, deafBehindPooler, wrongListenUrl, type Server } from "./pooler.ts";
import { PolledClaims } from "./polled-claims.ts";
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
  /** Where notifications are heard. Default: as `settings` say. */
  readonly listen?: ConnectionSettings | undefined;
  /** What a pooler in between is no reason to do without: it is refused then. Default: neither, so that sessions become leases, and push polling. */
  readonly insists?: { readonly sessions: boolean; readonly push: boolean };
}

interface Opened {
  readonly connection: Connection;
  /** Without it, `polled` finds out. */
  readonly wakeUp: WakeUp | undefined;
  readonly polled: PolledClaims | undefined;
  readonly rows: Rows;
  readonly sessions: SessionLocks | undefined;
  readonly pulse: Pulse;
}

export class PostgresStore implements LockStore {
  #capabilities: ProviderCapabilities;
  readonly #options: PostgresStoreOptions;
  readonly #waiting = new WaitingClaims();
  readonly #transactions = new Transactions();
  #context: StoreContext | undefined;
  #connecting: Connection | undefined;
  #opened: Opened | undefined;
  #nextSweep = 0;
  #sweepPage: string | null = null;

  constructor(options: PostgresStoreOptions) {
    this.#options = options;
    this.#capabilities = manifest(options);
  }

  get capabilities(): ProviderCapabilities {
    return this.#capabilities;
  }

  async connect(context: StoreContext): Promise<void> {
    const { settings, connections, callTimeout } = this.#options;
    this.#context = context;
    const connection = new Connection({ settings, connections, callTimeout });
    this.#connecting = connection;
    try {
      await connection.open();
      // The functions first: what a session says of one that is missing is harder to understand.
      await checkServer(connection);
      await this.#start(context, connection, adapted(this.#options, connection.server, context));
    } catch (error) {
      await this.close();
      throw error;
    }
    context.logger.info(`Connection to PostgreSQL in "${context.id}" provider established`);
  }

  async #start(
    { events, logger }: StoreContext,
    connection: Connection,
    options: PostgresStoreOptions,
  ): Promise<void> {
    const { settings, listen, namespace, callTimeout, push, sessions: count = 0 } = options;
    this.#capabilities = manifest(options);
    const tell = this.#tell;
    const wakeUp = push
      ? new WakeUp({ settings: listen ?? settings, callTimeout, events, logger, tell })
      : undefined;
    const channel = wakeUp?.channel ?? null;
    const rows = new Rows({ namespace, connection, channel, tell });
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
    const polled = wakeUp === undefined ? new PolledClaims({ connection, events, logger }) : undefined;
    this.#opened = { connection, wakeUp, polled, rows, sessions, pulse };
    const [heard] = await Promise.all([wakeUp?.start(), sessions?.start()]);
    if (heard?.pooled === true || (listen && heard && heard.database !== connection.server.database)) {
      throw wrongListenUrl(heard);
    }
    pulse.start();
    // Somewhere in the interval, so that processes that live shortly sweep too, now and then.
    this.#nextSweep = performance.now() + Math.random() * sweepInterval;
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    const replies = await this.#takeOrRefuse(claims);
    return this.#opened?.sessions?.confirmed(claims, replies) ?? replies;
  }

  async #takeOrRefuse(claims: readonly Claim[]): Promise<TakeReply[]> {
    const suspects = this.#transactions.suspects(claims);
    if (suspects.size === 0) return this.#take(claims);
    // The others go out at once: nothing that comes after them may overtake them.
    const others = claims.filter((claim) => !suspects.has(claim));
    const [replies, refusals] = await Promise.all([
      others.length > 0 ? this.#take(others) : [],
      this.#transactions.refusals(suspects, this.#open.rows),
    ]);
    const cleared = [...suspects.keys()].filter((claim) => !refusals.has(claim));
    const later = cleared.length > 0 ? await this.#take(cleared) : [];
    return claims.map((claim): TakeReply => {
      const error = refusals.get(claim);
      if (error !== undefined) return { status: "failed", error };
      return (replies[others.indexOf(claim)] ?? later[cleared.indexOf(claim)]) as TakeReply;
    });
  }

  async #take(claims: readonly Claim[]): Promise<TakeReply[]> {
    const { rows, sessions, polled } = this.#open;
    const locks = sessions ?? rows;
    const replies = await (polled?.take(claims, (open) => locks.take(open)) ?? locks.take(claims));
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
    for (const release of releases) {
      if (release.by !== "claim") continue;
      this.#forget(release.claimId);
      this.#transactions.forget(release.claimId);
    }
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
    await connection.query(endSessionsCall(this.#options.namespace)).catch((error: unknown) => {
      throw explainedEnd(error);
    });
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
    opened?.pulse.stop();
    opened?.polled?.stop();
    await Promise.all([opened?.sessions?.close(), opened?.wakeUp?.close()]);
    await this.#connecting?.close();
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw new LockError("LOCK_CLOSED", "The PostgreSQL provider is closed");
    return this.#opened;
  }

  readonly #tell = (handovers: Handovers): void => {
    if (this.#context === undefined) return;
    for (const { claimId } of handovers.granted) this.#forget(claimId);
    tell(this.#context.events, handovers);
  };

  /** It does not wait any more. */
  #forget(claimId: string): void {
    this.#waiting.delete(claimId);
    this.#opened?.polled?.forget(claimId);
  }

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

function manifest({ push, sessions = 0 }: PostgresStoreOptions): ProviderCapabilities {
  return {
    scope: "shared",
    fencing: true,
    limits: true,
    fifo: true,
    push,
    inspect: true,
    transactions: true,
    crashRelease: sessions > 0 ? "session" : "lease",
  };
}

/**
 * What can be had of the options on the way that was found to the server.
 *
 * @throws {LockError} `LOCK_CONFIG` where a pooler stands in the way of what they insist on.
 */
function adapted(
  options: PostgresStoreOptions,
  { pooled }: Server,
  { id, logger }: StoreContext,
): PostgresStoreOptions {
  if (!pooled) return options;
  const { sessions = 0, listen, insists } = options;
  if (sessions > 0 && insists?.sessions === true) throw behindPooler();
  const deaf = options.push && listen === undefined;
  if (deaf && insists?.push === true) throw deafBehindPooler();
  const without = [
    ...(sessions > 0 ? ["locks of jobs live with leases"] : []),
    ...(deaf ? ["waiters poll (set listenUrl to the server itself, so that they are woken)"] : []),
  ];
  if (without.length > 0) {
    logger.info(`There is a pooler between "${id}" provider and PostgreSQL: ${without.join(", ")}`);
  }
  return { ...options, sessions: 0, push: options.push && !deaf };
}
