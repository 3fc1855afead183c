import { afterAll, beforeAll, expect, test } from "vitest";
import { crewOf, type Crew } from "./crew.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

const deadlocks = async (): Promise<unknown> =>
  (await database.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))[0];

/** What a connection was used for last tells which it is. */
const listener = "a.query LIKE 'LISTEN%'";
const lockSession = `EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.mode = 'ShareLock')`;

async function cut(crew: Crew, name: string, which: string): Promise<number> {
  const rows = await database.query(
    `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.application_name = $1 AND ${which}`,
    [crew.applicationName(name)],
  );
  return rows.length;
}

test.each([
  // The end of a session frees what lives with it before its process can have heard of that: session-faults.test.ts cuts those.
  { mode: "session" as const, cuts: [listener, `NOT ${lockSession}`] },
  { mode: "rows" as const, cuts: [listener, `NOT ${listener}`, "true"] },
])(
  "connections are cut, processes stopped and killed while they hold, wait and hand over, mode: $mode",
  async ({ mode, cuts }) => {
    await using crew = await crewOf(mode, database.url, newId());
    const before = await deadlocks();
    let struck = 0;
    const faults = (async () => {
      for (let turn = 0; turn < 18; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        const name = crew.names[turn % crew.names.length] as string;
        if (turn % 6 === 4) await crew.stopFor(name, 400);
        else if (turn === 11) await crew.replace(name);
        else struck += await cut(crew, name, cuts[turn % cuts.length] as string);
      }
    })();
    await crew.compete(faults);
    await crew.conclude();
    expect(struck).toBeGreaterThan(5);
    // As many as there are callers at least.
    expect(crew.endings.get("ran")).toBeGreaterThan(12);
    const allowed = mode === "session" ? ["ran", "killed"] : ["ran", "killed", "LOCK_LOST"];
    expect([...crew.endings.keys()].filter((ending) => !allowed.includes(ending))).toEqual([]);
    expect(await deadlocks()).toEqual(before);
  },
  60_000,
);
