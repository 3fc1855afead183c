import {
  assertHistory,
  startProcess,
  type HistoryEvent,
  type Outcome,
  type TestProcess,
} from "@lock/testkit";
import pg from "pg";
import { expect } from "vitest";

const hour = 3_600_000;
const keys = ["a", "b", "c", "d"];

export interface Crew extends AsyncDisposable {
  readonly names: readonly string[];
  /** Lets all of them lock random keys, several claims at once each, until `done` resolves. */
  compete(done: Promise<unknown>): Promise<void>;
  /** As `pg_stat_activity` calls its connections. */
  applicationName(name: string): string;
  stopFor(name: string, milliseconds: number): Promise<void>;
  /** Kills it, and starts another of that name. */
  replace(name: string): Promise<void>;
  /** How claims have ended: with their codes, `ran`, or `killed`. */
  readonly endings: ReadonlyMap<string, number>;
  /** Closes all, and throws unless the whole history fits a lock and nothing is left of them in the server. */
  conclude(): Promise<void>;
}

/** Processes whose clocks are hours apart, on one namespace of a server. */
export async function crewOf(
  mode: "session" | "rows",
  connectionString: string,
  namespace: string,
): Promise<Crew> {
  const subject = new URL(`./${mode}-subject.ts`, import.meta.url).href;
  const names = ["one", "two", "three"];
  const processes = new Map<string, TestProcess>();
  const past: HistoryEvent[] = [];
  const endings = new Map<string, number>();
  const applicationName = (name: string): string => `${name}-${namespace}`;

  let hired = 0;
  const hire = async (name: string): Promise<void> => {
    const url = new URL(connectionString);
    url.searchParams.set("application_name", applicationName(name));
    const clockShift = 3 * hour * (names.indexOf(name) - 1);
    const env = { LOCK_TEST_POSTGRES_URL: url.href };
    // To the history it is another process than the one that it follows.
    const settings = { subject, namespace, name: `${name} (${++hired})`, clockShift, env };
    processes.set(name, await startProcess(settings));
  };
  const endingOf = (outcome: Outcome): string => {
    if (outcome.ok) return "ran";
    // What it could not answer any more, or was not asked any more.
    const killed = /has ended|Channel closed/.test(outcome.message);
    return outcome.code ?? (killed ? "killed" : outcome.message);
  };
  const compete = async (done: Promise<unknown>): Promise<void> => {
    const over = new AbortController();
    const ended = done.finally(() => over.abort());
    const lanes = names.flatMap((name) => Array.from({ length: 4 }, () => name));
    await Promise.all(
      lanes.map(async (name) => {
        while (!over.signal.aborted) {
          const wanted = keys.filter(() => Math.random() < 0.4).toSorted(() => Math.random() - 0.5);
          const claimed = wanted.length > 0 ? wanted : ["a"];
          const holding = (processes.get(name) as TestProcess).execute(
            claimed,
            { timeout: "30s", expire: "2s" },
            3,
          );
          holding.granted.catch(() => {});
          const outcome = await holding.outcome;
          endings.set(endingOf(outcome), (endings.get(endingOf(outcome)) ?? 0) + 1);
          // Between its end and its successor a process of that name can't be asked.
          if (!outcome.ok) await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }),
    );
    await ended;
  };
  const conclude = async (): Promise<void> => {
    // A process ends by itself: no timer, no listener and no connection keeps it.
    for (const one of processes.values()) {
      past.push(...(await one.takeHistory()));
      await one.close();
    }
    assertHistory(past);
    await expectNothingLeft(connectionString, namespace, names.map(applicationName));
  };
  try {
    await Promise.all(names.map(hire));
  } catch (error) {
    await Promise.all([...processes.values()].map((one) => one.kill()));
    throw error;
  }
  return {
    names,
    endings,
    applicationName,
    compete,
    conclude,
    stopFor: async (name, milliseconds) => {
      const stopped = processes.get(name) as TestProcess;
      stopped.stop();
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      stopped.continue();
    },
    replace: async (name) => {
      const killed = processes.get(name) as TestProcess;
      await killed.kill();
      past.push(...killed.history);
      await hire(name);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...processes.values()].map((one) => one.kill()));
    },
  };
}

async function expectNothingLeft(
  connectionString: string,
  namespace: string,
  applicationNames: readonly string[],
): Promise<void> {
  const client = new pg.Client(connectionString);
  await client.connect();
  const left = async (): Promise<unknown> => {
    const { rows } = await client.query(
      `SELECT 'grant ' || key AS what FROM locking WHERE namespace = $1 AND expires_at > clock_timestamp()
         AND (session IS NULL OR locking_alive(session))
       UNION ALL SELECT 'place ' || key FROM locking_queue WHERE namespace = $1 AND expires_at > clock_timestamp()
       UNION ALL SELECT 'connection ' || application_name FROM pg_stat_activity WHERE application_name = ANY ($2)
       UNION ALL SELECT 'lock of ' || a.application_name FROM pg_locks JOIN pg_stat_activity a USING (pid)
         WHERE locktype = 'advisory' AND a.application_name = ANY ($2)`,
      [namespace, applicationNames],
    );
    return rows;
  };
  try {
    // What the killed have left goes when its time is up.
    await expect.poll(left, { timeout: 12_000 }).toEqual([]);
  } finally {
    await client.end();
  }
}
