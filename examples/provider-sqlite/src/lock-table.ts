import type { Claim } from "@lock/core";
import type { Database } from "./database.ts";

/** A grant's hold on one key. */
export interface Row {
  readonly key: string;
  readonly grant_id: string;
  readonly token: number;
  readonly owner: string | null;
  readonly kind: Claim["kind"];
  readonly permits: number;
  /** Milliseconds since 1970 by the machine's clock, which all processes on the file share; `Infinity`: never. */
  readonly ends: number;
}

/** As many expired rows as each transaction sweeps: more than it can add. */
const sweepings = 200;
const isLive = "superseded_by IS NULL AND ends > ?";

/** The rows of one namespace, within one transaction. Those that have expired are not there, swept or not. */
export class LockTable {
  readonly now: number;
  readonly #database: Database;
  readonly #namespace: string;

  constructor(database: Database, namespace: string) {
    this.#database = database;
    this.#namespace = namespace;
    // SQLite's own reading, so that no caller's idea of the time comes in.
    const [clock] = database.all<{ now: number }>("SELECT unixepoch('now', 'subsec') * 1000 AS now");
    this.now = clock!.now;
  }

  /** Who holds the key. */
  holders(key: string): Row[] {
    const sql = `SELECT * FROM locks WHERE namespace = ? AND key = ? AND ${isLive} ORDER BY token`;
    return this.#database.all<Row>(sql, this.#namespace, key, this.now);
  }

  add(row: Row): void {
    this.#database.run(
      "INSERT INTO locks (namespace, key, grant_id, token, owner, kind, permits, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      this.#namespace,
      ...[row.key, row.grant_id, row.token, row.owner, row.kind, row.permits, row.ends],
    );
  }

  remove(row: Pick<Row, "key" | "grant_id">): void {
    const sql = "DELETE FROM locks WHERE namespace = ? AND key = ? AND grant_id = ?";
    this.#database.run(sql, this.#namespace, row.key, row.grant_id);
    this.#forget(row.key, row.grant_id);
  }

  /** The row gives way to that of a later grant, but can come back. */
  supersede(row: Row, by: string): void {
    // Only the last step can be taken back.
    this.#forget(row.key, row.grant_id);
    const sql = "UPDATE locks SET superseded_by = ? WHERE namespace = ? AND key = ? AND grant_id = ?";
    this.#database.run(sql, by, this.#namespace, row.key, row.grant_id);
  }

  /** Takes a row away again, and puts back what it had superseded. */
  withdraw(row: Row): void {
    this.#database.run(
      "UPDATE locks SET superseded_by = NULL WHERE namespace = ? AND key = ? AND superseded_by = ?",
      this.#namespace,
      ...[row.key, row.grant_id],
    );
    this.remove(row);
  }

  prolong(row: Row, ends: number): void {
    const sql = "UPDATE locks SET ends = ? WHERE namespace = ? AND key = ? AND grant_id = ?";
    this.#database.run(sql, ends, this.#namespace, row.key, row.grant_id);
  }

  removeAll(owner: string | null): void {
    if (owner === null) this.#database.run("DELETE FROM locks WHERE namespace = ?", this.#namespace);
    else this.#database.run("DELETE FROM locks WHERE namespace = ? AND owner = ?", this.#namespace, owner);
  }

  /** One counter for all keys: it grows by each grant, and takes no more space however many keys there are. */
  nextToken(): number {
    const sql =
      "INSERT INTO tokens VALUES (?, 1) ON CONFLICT (namespace) DO UPDATE SET last = last + 1 RETURNING last";
    return this.#database.all<{ last: number }>(sql, this.#namespace)[0]!.last;
  }

  bury(claimId: string, lifetime: number): void {
    const sql = "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?)";
    this.#database.run(sql, this.#namespace, claimId, this.now + lifetime);
  }

  isBuried(claimId: string): boolean {
    const sql = "SELECT 1 FROM tombstones WHERE namespace = ? AND claim_id = ? AND ends > ?";
    return this.#database.all(sql, this.#namespace, claimId, this.now).length > 0;
  }

  /** Deletes some of what has expired, of any namespace, so that the file does not grow. */
  sweep(): void {
    const expired = this.#database.all<Row & { namespace: string }>(
      "SELECT * FROM locks WHERE ends <= ? ORDER BY ends LIMIT ?",
      ...[this.now, sweepings],
    );
    for (const { namespace, key, grant_id } of expired) {
      this.#database.run(
        "DELETE FROM locks WHERE namespace = ? AND key = ? AND ? IN (grant_id, superseded_by)",
        namespace,
        ...[key, grant_id],
      );
    }
    this.#database.run(
      "DELETE FROM tombstones WHERE (namespace, claim_id) IN (SELECT namespace, claim_id FROM tombstones WHERE ends <= ? LIMIT ?)",
      ...[this.now, sweepings],
    );
  }

  /** What was superseded by this row can't come back any more. */
  #forget(key: string, grantId: string): void {
    const sql = "DELETE FROM locks WHERE namespace = ? AND key = ? AND superseded_by = ?";
    this.#database.run(sql, this.#namespace, key, grantId);
  }
}
