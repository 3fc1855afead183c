import { randomBytes } from "node:crypto";
import { isLockError, LockError } from "@lock/core";
import type {
  Awaitable,
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
  StoreEvents,
  TakeReply,
} from "@lock/core";
import { Bucket, type Locks } from "./bucket.ts";
import { Connection } from "./connection.ts";
import { asFailure, isRefusal } from "./failures.ts";
import { HandOff } from "./hand-off/hand-off.ts";
import { handOffHost } from "./hand-off/host.ts";
import type { Terms } from "./hand-off/terms.ts";
import { KeyLayout } from "./key-layout.ts";
import type { Heard } from "./message.ts";
import { inspectScript } from "./operations/inspect.ts";
import { releaseAllScript } from "./operations/release-all.ts";
import { releaseScript } from "./operations/release.ts";
import { renewScript } from "./operations/renew.ts";
import { sealScript } from "./operations/seal.ts";
import { standScript } from "./operations/stand.ts";
import { onCluster, successionScript } from "./operations/succession.ts";
import { takeScript } from "./operations/take.ts";
import type { Replicas } from "./replication.ts";
import { composeScript } from "./script.ts";
import { MOST_TOGETHER } from "./same-tick.ts";
import { ShardedWakeUp } from "./sharded-wake-up.ts";
import { Shards } from "./shards.ts";
import { checkSource, type ClientSource, isCluster } from "./source.ts";
import { WakeUp } from "./wake-up.ts";

export interface RedisStoreOptions extends ClientSource {
  readonly namespace: string;
  /** Milliseconds. */
  readonly callTimeout: number;
  readonly push: boolean;
  /** Into how many buckets the namespace is divided, where the source is a cluster. Default: `DEFAULT_SHARDS`. */
  readonly shards?: number | undefined;
  /** Default: grants count at once. */
  readonly replicas?: Replicas | null;
  /** On which terms a lock goes from one caller of this process to another; `null`, the default: each goes by way of the server. */
  readonly handoff?: Terms | null;
}

/** Enough for a dozen masters to have some each, few enough to be walked through. */
export const DEFAULT_SHARDS = 16;

const scripts = [
  takeScript,
  renewScript,
  releaseScript,
  releaseAllScript,
  inspectScript,
  successionScript,
  standScript,
];

const publishing = composeScript("return redis.call('PUBLISH', ARGV[1], '')");

/** Locks in one namespace of a Redis server, or of a cluster. */
export class RedisStore implements LockStore {
  readonly capabilities: ProviderCapabilities;
  /** Shards gather what goes together themselves, each for its own server. */
  readonly batch: number;
  readonly #options: RedisStoreOptions;
  readonly #shards: number;
  readonly #process = randomBytes(12).toString("base64url");
  #connection: Connection;
  #locks: Locks;
  #buckets: readonly Bucket[] = [];
  #wakeUp: WakeUp | ShardedWakeUp | null = null;

  /** @throws {LockError} `LOCK_CONFIG` unless the options name exactly one server or cluster. */
  constructor(options: RedisStoreOptions) {
    checkSource(options);
    this.#options = options;
    this.#connection = new Connection(options, options.callTimeout);
    this.#shards = this.#connection.cluster ? (options.shards ?? DEFAULT_SHARDS) : 1;
    this.#locks = this.#divide();
    this.batch = this.#shards === 1 ? MOST_TOGETHER : 1;
    this.capabilities = {
      scope: "shared",
      fencing: true,
      limits: true,
      // A claim on keys of several buckets stands in one queue after the other, and can be passed at those it does not stand in yet.
      // On terms, a process goes before others that wait.
      fifo: this.#shards === 1 && (options.handoff?.turns ?? 0) === 0,
      push: options.push,
      inspect: true,
      transactions: false,
      crashRelease: "lease",
    };
  }

  async connect({ id, logger, events }: StoreContext): Promise<void> {
    try {
      const { cluster } = this.#connection;
      const loaded = cluster ? [...scripts, sealScript].map(onCluster) : scripts;
      await this.#connection.open(id, logger, loaded);
      if (cluster) await this.#agreeOnShards();
      await this.#locks.open();
      await this.#listen(id, logger, events);
      await this.#warnOfEviction(id, logger);
    } catch (error) {
      await this.close();
      this.#connection = new Connection(this.#options, this.#options.callTimeout);
      this.#locks = this.#divide();
      throw error;
    }
    logger.info(`Connection to Redis in "${id}" provider established`);
  }

  take(claims: readonly Claim[]): Awaitable<readonly TakeReply[]> {
    return this.#locks.take(claims);
  }

  renew(renewals: readonly Renewal[]): Awaitable<readonly RenewReply[]> {
    return this.#locks.renew(renewals);
  }

  release(releases: readonly Release[]): Awaitable<readonly ReleaseReply[]> {
    return this.#locks.release(releases);
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    await this.#locks.releaseAll(ownerId);
  }

  async inspect(keys: readonly string[]): Promise<readonly KeyState[]> {
    return this.#locks.inspect(keys);
  }

  async close(): Promise<void> {
    if (this.#locks instanceof HandOff) this.#locks.close();
    const wakeUp = this.#wakeUp;
    this.#wakeUp = null;
    await wakeUp?.close();
    await this.#connection.close();
  }

  #divide(): Locks {
    const { namespace, push, callTimeout, replicas = null, handoff = null } = this.#options;
    this.#buckets = Array.from({ length: this.#shards }, (_, n) => {
      const layout = new KeyLayout(namespace, n, this.#connection.place);
      const channel = push ? layout.channel(this.#process) : "";
      return new Bucket(this.#connection, layout, channel, this.#process, replicas);
    });
    if (this.#shards > 1) return new Shards(this.#buckets);
    const [bucket] = this.#buckets as [Bucket];
    if (handoff === null || this.#connection.cluster) return bucket;
    const host = handOffHost(bucket, this.#connection, () => listeningSince(this.#wakeUp), callTimeout);
    return new HandOff(bucket, host, handoff);
  }

  async #listen(id: string, logger: Logger, events: StoreEvents): Promise<void> {
    if (!this.#options.push) return;
    const { client } = this.#connection;
    const channels = this.#buckets.map(({ layout }) => layout.channel(this.#process));
    const locks = this.#locks;
    const [first] = this.#buckets;
    const handOff = locks instanceof HandOff ? locks.listen(events) : null;
    // What concerns all processes is told on a channel of its own.
    if (handOff) channels.push((this.#buckets[0] as Bucket).layout.everybody);
    const heard: Heard = {
      granted: (handover) => {
        if (this.#shards === 1) first?.see(Number(handover.token));
        // What one bucket gives to a claim on keys of several is a reason to ask for the rest, and what replicas are to confirm, too.
        const rest = locks instanceof Shards && locks.gathers(handover.claimId);
        if (rest || this.#options.replicas) return events.wake([handover.claimId]);
        (handOff ?? events).granted(handover);
      },
      wake: (claimIds) => events.wake(claimIds),
      wakeAll: () => events.wakeAll(),
      lost: (grantIds, cause) => events.lost(grantIds, cause),
      lostAll: (cause) => events.lostAll(cause),
      awaited: (grantId) => handOff?.awaited(grantId),
      freed: (newest) => handOff?.freed(newest),
    };
    this.#wakeUp = isCluster(client)
      ? new ShardedWakeUp(client, channels, id, heard, logger)
      : new WakeUp(client, channels, id, heard, logger);
    await this.#wakeUp.open();
    await this.#tryToPublish();
  }

  /** Who may not is told at the start: a script that publishes has written by then, and goes on. */
  async #tryToPublish(): Promise<void> {
    const [{ layout }] = this.#buckets as [Bucket];
    const script = this.#connection.cluster ? onCluster(publishing) : publishing;
    try {
      const args = [layout.channel(this.#process)];
      await this.#connection.run({ script, keys: [layout.base], args });
    } catch (error) {
      if (isLockError(error)) throw error;
    }
  }

  /** Processes that divided the keys differently would not exclude each other. */
  async #agreeOnShards(): Promise<void> {
    const { namespace } = this.#options;
    const name = new KeyLayout(namespace).shards;
    try {
      await this.#connection.command("set", [name, this.#shards, "NX"]);
      const agreed = Number(await this.#connection.command("get", [name]));
      if (agreed === this.#shards) return;
      throw new LockError(
        "LOCK_CONFIG",
        `The namespace "${namespace}" is divided into ${agreed} shards: give redisProvider shards: ${agreed}, or a namespace of its own`,
      );
    } catch (error) {
      throw asFailure(error);
    }
  }

  async #warnOfEviction(id: string, logger: Logger): Promise<void> {
    let memory: unknown[];
    try {
      memory = await this.#connection.ask("info", ["memory"]);
    } catch (error) {
      // A user without the right to ask may lock all the same.
      if (isRefusal(error)) return;
      throw error;
    }
    const policies = memory.map((text) => /^maxmemory_policy:(\S+)/m.exec(String(text))?.[1] ?? "noeviction");
    const policy = policies.find((one) => one !== "noeviction");
    if (policy === undefined) return;
    logger.warn(
      `Redis in "${id}" provider evicts data when memory runs out (maxmemory-policy ${policy}): locks and fencing counters ` +
        `may vanish while they are held. Set maxmemory-policy noeviction on a server that holds locks`,
    );
  }
}

function listeningSince(wakeUp: WakeUp | ShardedWakeUp | null): number | null {
  return wakeUp instanceof WakeUp ? wakeUp.listeningSince : null;
}
