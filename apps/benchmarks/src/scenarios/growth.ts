import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { Member } from "../crew/member.ts";
import type { Workload } from "../work/growth.ts";
import type { Stage } from "./stage.ts";

/** Within which sessions tell the server's statistics what they did. */
const STATISTICS_DELAY = 1_200;
const MEGABYTE = 1_000_000;

/** Each with how many of the cycles it gets: one after the other they take their time. */
const workloads: readonly (readonly [Workload, number])[] = [
  ["the same 1,000 keys", 1],
  ["a new key each time", 1],
  ["1,000 locks, renewed", 1],
  ["one key, handed from waiter to waiter", 0.1],
];

interface Look {
  readonly heap: number;
  readonly indexes: number;
  readonly dead: number;
  readonly updates: number;
  readonly inPlace: number;
  readonly vacuums: number;
}

/** What the tables grow to where nobody but autovacuum, with its defaults, cleans up. */
export async function playGrowth({ backend, server, plan, sheet, tell }: Stage): Promise<void> {
  if (backend !== "postgres") return;
  const { looks } = plan.growth;
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    for (const [workload, share] of workloads) {
      tell(`growth, ${workload}`);
      const heading = { backend, part: "growth", variant: workload } as const;
      const member = new Member();
      try {
        await member.ask("cycle", { url: server.url, workload, from: 0, cycles: 1 });
        await client.query("TRUNCATE locking, locking_queue");
        await client.query("SELECT pg_stat_reset()");
        const each = (plan.growth.cycles * share) / looks;
        for (let look = 1; look <= looks; look += 1) {
          const begin = performance.now();
          await member.ask("cycle", { url: server.url, workload, from: (look - 1) * each, cycles: each });
          const perSecond = (each / (performance.now() - begin)) * 1_000;
          await pause(STATISTICS_DELAY);
          // Names of one length, so that they stand in their order.
          const after = {
            name: `after ${((look * each) / 1e6).toFixed(4)} million`,
            standing: "ours",
          } as const;
          const { heap, indexes, dead, updates, inPlace, vacuums } = await lookAt(client);
          sheet.add(heading, after, "cycles/s", perSecond);
          sheet.add(heading, after, "tables, MB", heap / MEGABYTE);
          sheet.add(heading, after, "indexes, MB", indexes / MEGABYTE);
          sheet.add(heading, after, "dead rows", dead);
          sheet.add(heading, after, "updates", updates);
          sheet.add(heading, after, "% of them HOT", (inPlace / updates) * 100);
          sheet.add(heading, after, "autovacuums", vacuums);
        }
      } finally {
        await member.dismiss();
      }
    }
  } finally {
    await client.end();
  }
}

/** Of both tables together. */
async function lookAt(client: pg.Client): Promise<Look> {
  const { rows } = await client.query<Look>(`
    SELECT sum(pg_table_size(relid))::float8 AS heap, sum(pg_indexes_size(relid))::float8 AS indexes,
      sum(n_dead_tup)::float8 AS dead, sum(n_tup_upd)::float8 AS updates, sum(n_tup_hot_upd)::float8 AS "inPlace",
      sum(autovacuum_count)::float8 AS vacuums
    FROM pg_stat_user_tables WHERE relname IN ('locking', 'locking_queue')`);
  return rows[0]!;
}
