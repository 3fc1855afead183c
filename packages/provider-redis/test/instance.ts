import type { Claim, Handover, Logger, Release, ReleaseReply, TakeReply } from "@lock/core";
import { Redis } from "ioredis";
import { randomBytes } from "node:crypto";
import { KeyLayout } from "../src/key-layout.ts";
import { RedisStore, type RedisStoreOptions } from "../src/store.ts";

/** The server of the run. */
export const redisUrl: string = process.env["LOCK_TEST_REDIS_URL"] ?? "redis://localhost:6379";

/** What a logger was told, as `level message`. */
export function journal(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { lines, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
}

/** A store as one process has it, with what it was told. */
export interface Instance extends AsyncDisposable {
  readonly store: RedisStore;
  readonly handovers: Handover[];
  /** Claims that were to ask; `*`: all. */
  readonly woken: string[];
  readonly log: string[];
  /** Resolves with the hand-over to this claim, at once if it came already. */
  handedTo(claimId: string): Promise<Handover>;
  /** Resolves when this claim (`*`: every claim) was woken, at once if it was already. */
  wokenFor(claimId: string): Promise<void>;
  take(claim: Partial<Claim>): Promise<TakeReply>;
  release(release: Release): Promise<ReleaseReply>;
}

export async function instance(options: Partial<RedisStoreOptions> = {}): Promise<Instance> {
  const source =
    options.client || options.redisUrl || options.redisCluster || options.redisOptions ? {} : { redisUrl };
  const store = new RedisStore({
    namespace: newNamespace(),
    callTimeout: 5_000,
    push: true,
    ...source,
    ...options,
  });
  const handovers: Handover[] = [];
  const woken: string[] = [];
  const watchers = new Set<() => void>();
  const { lines, logger } = journal();
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  const until = <T>(found: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = (): void => {
        const value = found();
        if (value === undefined) return;
        watchers.delete(look);
        resolve(value);
      };
      watchers.add(look);
      look();
    });
  await store.connect({
    id: "test",
    logger,
    events: {
      granted: (handover) => {
        handovers.push(handover);
        changed();
      },
      wake: (ids) => {
        woken.push(...ids);
        changed();
      },
      wakeAll: () => {
        woken.push("*");
        changed();
      },
      lost() {},
      lostAll() {},
    },
  });
  return {
    store,
    handovers,
    woken,
    log: lines,
    handedTo: (claimId) => until(() => handovers.find((each) => each.claimId === claimId)),
    wokenFor: async (claimId) => {
      await until(() => woken.includes(claimId) || undefined);
    },
    take: async (claim) => (await store.take([claimOf(claim)]))[0] as TakeReply,
    release: async (release) => (await store.release([release]))[0] as ReleaseReply,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

export function claimOf(claim: Partial<Claim>): Claim {
  return {
    id: newId(),
    keys: ["a"],
    ownerId: null,
    kind: claim.ownerId === undefined ? "execute" : "acquire",
    limit: 1,
    lease: 30_000,
    keepLease: false,
    wait: true,
    ...claim,
  };
}

export function newId(): string {
  return randomBytes(9).toString("base64url");
}

export function newNamespace(): string {
  return `test:${newId()}:`;
}

export function byGrant(grantId: string, keys: readonly string[] = ["a"]): Release {
  return { by: "grant", grantId, keys, tombstone: false };
}

export function byClaim(claimId: string, keys: readonly string[] = ["a"], tombstone = false): Release {
  return { by: "claim", claimId, keys, tombstone };
}

/** A client of the test's own. */
export function client(url: string = redisUrl): Redis & AsyncDisposable {
  const redis = new Redis(url);
  redis.on("error", () => {});
  return Object.assign(redis, {
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
    },
  });
}

/** What a namespace has on the server, by the part of the name behind its tag. The counter, the floor and whose it is stay for ever. */
export async function leftBehind(redis: Redis, namespace: string): Promise<string[]> {
  const { base, floor, server } = new KeyLayout(namespace);
  const names = await redis.keys(`${base.replace(/[[\]?*\\]/g, "\\$&")}*`);
  return names
    .filter((name) => ![base, floor, server].includes(name))
    .map((name) => name.slice(base.length))
    .toSorted();
}
