import { createLocking, type Locking } from "@lock/core";
import { startRedisCluster, type RedisCluster } from "@lock/testkit/containers";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { bucketOf } from "../src/bucket-of.ts";
import { redisProvider, type RedisClusterSource, type RedisProviderOptions } from "../src/index.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { DEFAULT_SHARDS } from "../src/store.ts";
import { journal, newNamespace } from "./instance.ts";
import { documentedRights, restricted } from "./rights.ts";

let running: RedisCluster | null = null;

/** The cluster of a test file that called `runCluster`. */
export function cluster(): RedisCluster {
  if (!running) throw new Error("This test file has no cluster: it has to call runCluster");
  return running;
}

/** A cluster for a file of tests, with a user who has only the rights that the documentation lists. */
export function runCluster(): void {
  beforeAll(async () => {
    running = await startRedisCluster({ nodeTimeout: 1_000 });
    await restrict(running.nodes);
  }, 60_000);
  afterAll(() => running?.close(), 30_000);
}

/** Nodes forget their users when they stop. */
export async function restrict(nodes: RedisCluster["nodes"]): Promise<void> {
  const rights = await documentedRights("test:", "server", "cluster", "replicas");
  await Promise.all(nodes.map((node) => node.command("ACL", "SETUSER", restricted.username, ...rights)));
}

/** As a user who has only the rights that the documentation lists: slots move and masters fail over for such a one too. */
export const redisCluster = (): RedisClusterSource => ({
  nodes: cluster().urls,
  options: { redisOptions: restricted },
});

export async function connect(options: Partial<RedisProviderOptions> = {}): Promise<Locking> {
  const provider = redisProvider({ namespace: newNamespace(), redisCluster: redisCluster(), ...options });
  const service = await createLocking({ providers: [provider], logger: journal().logger });
  onTestFinished(() => service.close({ drain: 0 }));
  return service;
}

async function slotOf(name: string): Promise<number> {
  return Number(await cluster().nodes[0]?.command("CLUSTER", "KEYSLOT", name));
}

/** The slot of the bucket that has this key. */
export async function slotOfKey(key: string): Promise<number> {
  return slotOf(new KeyLayout("any:", bucketOf(key, DEFAULT_SHARDS)).base);
}

/** Keys of as many different buckets. */
export function apart(count: number): string[] {
  const found = new Map<number, string>();
  for (let n = 0; found.size < count; n += 1) {
    const bucket = bucketOf(`k${n}`, DEFAULT_SHARDS);
    if (!found.has(bucket)) found.set(bucket, `k${n}`);
  }
  return [...found.values()];
}

/** A move of a slot to another master that lasts from `begin` to `end`. */
export async function slowMove(slot: number): Promise<Record<"begin" | "end" | "back", () => Promise<void>>> {
  const masters = await cluster().masters();
  const from = await cluster().masterOf(slot);
  const to = masters.find((node) => node !== from) as (typeof masters)[number];
  return {
    begin: async () => {
      const [own, other] = [await from.command("CLUSTER", "MYID"), await to.command("CLUSTER", "MYID")];
      await to.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", own);
      await from.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", other);
    },
    end: () => cluster().moveSlot(slot, to),
    back: () => cluster().moveSlot(slot, from),
  };
}

/** Jobs that count who is inside: at most one at a time for each key, with a greater token than the one before. */
export function counted(): {
  job(this: void, lock: { readonly fencingToken: bigint; readonly keys: readonly string[] }): Promise<void>;
  readonly broken: string[];
} {
  const inside = new Set<string>();
  const last = new Map<string, bigint>();
  const broken: string[] = [];
  return {
    broken,
    job: async ({ fencingToken, keys }) => {
      for (const key of keys) {
        if (inside.has(key)) broken.push(`two hold ${key}`);
        if (fencingToken <= (last.get(key) ?? 0n)) broken.push(`${fencingToken} of ${key} is not greater`);
        inside.add(key);
        last.set(key, fencingToken);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (const key of keys) inside.delete(key);
    },
  };
}
