import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { quantile } from "../statistics/spread.ts";

export interface Traffic {
  readonly url: string;
  /** How many transactions are begun in a second, whatever became of the earlier ones; `Infinity`: each client begins its next at once. */
  readonly perSecond: number;
  readonly milliseconds: number;
  /** Whether each sends a notification too. */
  readonly notify: boolean;
}

/** What became of transactions that have nothing to do with locks. */
export interface TrafficRun {
  readonly perSecond: number;
  /** Milliseconds from when it was to begin until it had committed. */
  readonly median: number;
  readonly slow: number;
}

const CLIENTS = 16;
const SLOW = 0.99;

const write = { name: "write", text: "INSERT INTO neighbours (what) VALUES ('x')" };
const writeAndTell = {
  name: "write and tell",
  text: "WITH written AS (INSERT INTO neighbours (what) VALUES ('x') RETURNING what) SELECT pg_notify('neighbours', what) FROM written",
};

let clients: Promise<readonly pg.Client[]> | undefined;

async function connect(url: string): Promise<readonly pg.Client[]> {
  const all = Array.from({ length: CLIENTS }, () => new pg.Client(url));
  await Promise.all(all.map((client) => client.connect()));
  await all[0]!.query("CREATE TABLE IF NOT EXISTS neighbours (id bigserial PRIMARY KEY, what text NOT NULL)");
  return all;
}

/** Each transaction writes a row of a table that is nobody else's. */
export async function runTraffic({ url, perSecond, milliseconds, notify }: Traffic): Promise<TrafficRun> {
  clients ??= connect(url);
  const all = await clients;
  const took: number[] = [];
  let begun = 0;
  const begin = performance.now();
  const work = async (client: pg.Client): Promise<void> => {
    for (;;) {
      const paced = perSecond < Infinity;
      const due = paced ? begin + (begun++ * 1_000) / perSecond : performance.now();
      if (due >= begin + milliseconds) return;
      const early = due - performance.now();
      if (early > 0) await pause(early);
      await client.query(notify ? writeAndTell : write);
      took.push(performance.now() - due);
    }
  };
  await Promise.all(all.map(work));
  const seconds = (performance.now() - begin) / 1_000;
  return { perSecond: took.length / seconds, median: quantile(took, 0.5), slow: quantile(took, SLOW) };
}
