import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import pg from "pg";
import type { BackendName } from "../contenders/of-backend.ts";
import { median } from "../statistics/spread.ts";

const TIMES = 200;
/** Milliseconds before each, as long as who holds a contended key stays inside. */
const IDLE = 1;

const probes = new Map<string, Promise<() => Promise<unknown>>>();

/** Milliseconds of the least request that an idle connection can make, as the client sees it: the median. */
export async function roundTrip({ backend, url }: { backend: BackendName; url: string }): Promise<number> {
  if (backend === "memory") return Number.NaN;
  const probe = probes.get(url) ?? (backend === "redis" ? redisProbe(url) : postgresProbe(url));
  probes.set(url, probe);
  const ask = await probe;
  const took: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await pause(IDLE);
    const begin = performance.now();
    await ask();
    took.push(performance.now() - begin);
  }
  return median(took);
}

async function redisProbe(url: string): Promise<() => Promise<unknown>> {
  const client = new Redis(url, { lazyConnect: true });
  await client.connect();
  return () => client.ping();
}

async function postgresProbe(url: string): Promise<() => Promise<unknown>> {
  const client = new pg.Client(url);
  await client.connect();
  return () => client.query({ name: "probe", text: "SELECT" });
}
