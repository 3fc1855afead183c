import { createLocking, type Locking } from "@lock/core";
import { migrate, postgresProvider } from "@lock/provider-postgres";
import { quiet } from "../contenders/quiet.ts";
import { AT_ONCE } from "../plan.ts";

/** What is done again and again, always 64 at a time. */
export type Workload =
  | "the same 1,000 keys"
  | "a new key each time"
  | "one key, handed from waiter to waiter"
  | "1,000 locks, renewed";

const KEYS = 1_000;
const patient = { timeout: "60s" } as const;
const nothing = async (): Promise<void> => {};

const work: { readonly [Name in Workload]: (locking: Locking, n: number) => Promise<unknown> } = {
  "the same 1,000 keys": (locking, n) => locking.execute(`again-${n % KEYS}`, nothing, patient),
  "a new key each time": (locking, n) => locking.execute(`once-${process.pid}-${n}`, nothing, patient),
  "one key, handed from waiter to waiter": (locking) => locking.execute("wanted", nothing, patient),
  "1,000 locks, renewed": (locking, n) =>
    locking.acquire(`kept-${n % KEYS}`, { ownerId: "keeper", expire: "1h" }),
};

export interface Cycling {
  readonly url: string;
  readonly workload: Workload;
  readonly from: number;
  readonly cycles: number;
}

let service: Promise<Locking> | undefined;

async function connect(url: string): Promise<Locking> {
  await migrate(url);
  const provider = postgresProvider({ connectionString: url, namespace: "growth-benchmark", mode: "rows" });
  return createLocking({ providers: [provider], logger: quiet });
}

/** Takes and gives back, or renews, so many times. */
export async function cycle({ url, workload, from, cycles }: Cycling): Promise<void> {
  service ??= connect(url);
  const locking = await service;
  let next = from;
  const call = async (): Promise<void> => {
    while (next < from + cycles) await work[workload](locking, next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, call));
}
