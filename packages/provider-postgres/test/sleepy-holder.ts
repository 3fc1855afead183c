// A process that takes a lock, looks whether it has it, and stands still before it writes. Its arguments: the database, the
// key, and whether its write is guarded.
import { createLocking, isLockError } from "@lock/core";
import pg from "pg";
import { fencedUpdate } from "../src/fencing.ts";
import { postgresProvider } from "../src/provider.ts";

const [connectionString, key, guarded] = process.argv.slice(2) as [string, string, string];
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const locking = await createLocking({ providers: [postgresProvider({ connectionString })], logger: silent });
const pool = new pg.Pool({ connectionString });
await pool.query("SELECT");

const lock = await locking.acquire(key, { expire: "1s" });
const token = lock.fencingToken;
lock.assertHeld();
// Here the process is suspended, its machine migrated, its garbage collected. It can't notice, since it does nothing.
process.kill(process.pid, "SIGSTOP");
let outcome: string;
try {
  const { rowCount } =
    guarded === "guarded"
      ? await fencedUpdate(
          pool,
          { fencingToken: token, keys: [key] },
          { table: "stock", set: "sold_to = $1", where: "id = $2", values: ["sleeper", key] },
        )
      : await pool.query("UPDATE stock SET sold_to = $1 WHERE id = $2", ["sleeper", key]);
  outcome = rowCount === 1 ? "written" : "nothing";
} catch (error) {
  outcome = isLockError(error) ? error.code : String(error);
}
await pool.end();
await locking.close();
process.stdout.write(outcome);
