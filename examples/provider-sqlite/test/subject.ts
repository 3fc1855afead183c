import { defineSubject, type Subject, type SubjectWorld } from "@lock/testkit";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteProvider } from "../src/index.ts";
import { SqliteStore } from "../src/store.ts";

/** One file for all processes of a run, which inherit its name. */
function fileOf({ env }: SubjectWorld): string {
  return env["SQLITE_FILE"] ?? join(tmpdir(), "lock-provider-sqlite.db");
}

// No test cuts the power, and a busy disk would only measure itself.
const durable = false;

const subject: Subject = defineSubject({
  name: "provider-sqlite",
  create: (world) => sqliteProvider({ file: fileOf(world), namespace: world.namespace, durable }),
  store: (world) => new SqliteStore({ file: fileOf(world), namespace: world.namespace, durable }),
  entries: (world) => {
    // Tombstones stand for a minute, and are then swept.
    const database = new DatabaseSync(fileOf(world), { readOnly: true });
    const sql = "SELECT count(*) AS count FROM locks WHERE namespace = ?";
    const { count } = database.prepare(sql).get(world.namespace) as { count: number };
    database.close();
    return count;
  },
});
export default subject;
