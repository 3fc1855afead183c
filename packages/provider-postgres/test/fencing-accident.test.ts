import { createLocking } from "@lock/core";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import pg from "pg";
import { expect, test } from "vitest";
import { fencedUpdate, fencingColumn } from "../src/fencing.ts";
import { postgresProvider } from "../src/provider.ts";
import { migratedDatabase } from "./database.ts";

const holder = new URL("./sleepy-holder.ts", import.meta.url).pathname;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Standing still, by a signal that it got. */
async function untilStopped(pid: number): Promise<void> {
  const state = async () => (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.[0];
  await expect.poll(state, { timeout: 15_000 }).toBe("T");
}

/** A holder is stopped before it writes; its lease ends; another takes the lock and writes; the first wakes up and writes. */
async function accident(guarded: boolean): Promise<{ ofSleeper: string; soldTo: unknown }> {
  await using database = await migratedDatabase();
  const pool = new pg.Pool({ connectionString: database.url });
  const provider = postgresProvider({ connectionString: database.url });
  const locking = await createLocking({ providers: [provider], logger: silent });
  await pool.query(`CREATE TABLE stock (id text PRIMARY KEY, sold_to text, ${fencingColumn()})`);
  await pool.query("INSERT INTO stock (id) VALUES ('stock_1')");
  const sleeper = spawn(
    process.execPath,
    [holder, database.url, "stock_1", guarded ? "guarded" : "unguarded"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    await untilStopped(sleeper.pid as number);
    await locking.execute(
      "stock_1",
      async (lock) => {
        const sale = { table: "stock", set: "sold_to = $1", where: "id = $2", values: ["waiter", "stock_1"] };
        await fencedUpdate(pool, lock, sale);
      },
      { timeout: 10 },
    );
    const said = text(sleeper.stdout);
    const ended = once(sleeper, "exit");
    sleeper.kill("SIGCONT");
    await ended;
    const { rows } = await pool.query<{ sold_to: string }>("SELECT sold_to FROM stock");
    return { ofSleeper: await said, soldTo: rows[0]?.sold_to };
  } finally {
    sleeper.kill("SIGKILL");
    await locking.close();
    await pool.end();
  }
}

test.runIf(process.platform === "linux")(
  "without the guard, what a stopped holder writes when it wakes up lands over what the next one wrote",
  async () => {
    expect(await accident(false)).toEqual({ ofSleeper: "written", soldTo: "sleeper" });
  },
);

test.runIf(process.platform === "linux")(
  "with the guard, it is LOCK_LOST and what the next one wrote stays",
  async () => {
    expect(await accident(true)).toEqual({ ofSleeper: "LOCK_LOST", soldTo: "waiter" });
  },
);
