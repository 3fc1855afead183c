import {
  TOMBSTONE_LIFETIME,
  type Claim,
  type KeyState,
  type LockStore,
  type ProviderCapabilities,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type StoreContext,
  type TakeReply,
} from "@lock/core";
import { Database } from "./database.ts";
import { LockTable, type Row } from "./lock-table.ts";

export interface SqliteStoreSettings {
  readonly file: string;
  readonly namespace: string;
  readonly durable: boolean;
}

export class SqliteStore implements LockStore {
  readonly capabilities: ProviderCapabilities = {
    scope: "shared",
    fencing: true,
    limits: true,
    // There is no queue, and nothing to wake a process with: whoever waits asks again.
    fifo: false,
    push: false,
    inspect: true,
    transactions: false,
    crashRelease: "lease",
  };
  readonly #settings: SqliteStoreSettings;
  #database: Database | undefined;

  constructor(settings: SqliteStoreSettings) {
    this.#settings = settings;
  }

  async connect({ id, logger }: StoreContext): Promise<void> {
    const { file, durable } = this.#settings;
    this.#database ??= await Database.open(file, durable);
    logger.info(`Connection to ${file} in "${id}" provider established`);
  }

  close(): void {
    this.#database?.close();
  }

  async take(claims: readonly Claim[]): Promise<TakeReply[]> {
    return await this.#transaction((table) => claims.map((claim) => take(table, claim)));
  }

  async renew(renewals: readonly Renewal[]): Promise<RenewReply[]> {
    return await this.#transaction((table) => renewals.map((renewal) => renew(table, renewal)));
  }

  async release(releases: readonly Release[]): Promise<ReleaseReply[]> {
    return await this.#transaction((table) =>
      releases.map((one): ReleaseReply => ({ status: "released", freed: release(table, one) })),
    );
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    await this.#transaction((table) => table.removeAll(ownerId));
  }

  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return await this.#transaction((table) =>
      keys.map((key) => {
        const holders = table.holders(key).map((row) => ({
          ownerId: row.owner,
          fencingToken: BigInt(row.token),
          limit: row.permits,
          remaining: row.ends - table.now,
        }));
        return { key, holders, waiting: 0 };
      }),
    );
  }

  async #transaction<T>(work: (table: LockTable) => T): Promise<T> {
    const database = this.#database;
    if (database === undefined) throw new Error("The store is not connected");
    return await database.transaction(() => {
      const table = new LockTable(database, this.#settings.namespace);
      const result = work(table);
      table.sweep();
      return result;
    });
  }
}

function take(table: LockTable, claim: Claim): TakeReply {
  if (table.isBuried(claim.id)) return { status: "withdrawn" };
  const holders = claim.keys.map((key) => table.holders(key));
  const had = holders.flatMap((rows) => rows.filter((row) => isHad(row, claim)));
  const inTheWay = holders
    .filter((rows) => !rows.some((row) => isHad(row, claim)))
    .flatMap((rows) => (fits(rows, claim.limit) ? [] : rows));
  if (inTheWay.length > 0) {
    const freeIn = Math.min(...inTheWay.map((row) => row.ends)) - table.now;
    return { status: "busy", ownerId: inTheWay[0]!.owner, freeIn };
  }
  const ends = table.now + claim.lease;
  const isOneGrant = had.every((row) => row.grant_id === had[0]!.grant_id);
  if (had.length === claim.keys.length && isOneGrant) {
    if (claim.keepLease) return granted(had[0]!, Math.min(...had.map((row) => row.ends)) - table.now);
    for (const row of had) table.prolong(row, ends);
    return granted(had[0]!, claim.lease);
  }
  const { id, ownerId, kind, limit } = claim;
  for (const row of had) {
    if (row.grant_id === id) table.remove(row);
    else table.supersede(row, id);
  }
  const token = table.nextToken();
  const rows = claim.keys.map((key): Row => ({
    key,
    grant_id: id,
    token,
    owner: ownerId,
    kind,
    permits: limit,
    ends,
  }));
  for (const row of rows) table.add(row);
  return granted(rows[0]!, claim.lease);
}

function renew(table: LockTable, { grantId, keys, lease }: Renewal): RenewReply {
  const rows = ofGrant(table, keys, grantId);
  if (rows.length < keys.length) return { status: "lost" };
  for (const row of rows) table.prolong(row, table.now + lease);
  return { status: "renewed", remaining: lease };
}

function release(table: LockTable, one: Release): boolean {
  if (one.by === "owner") {
    const freed = one.keys.map((key) => {
      const rows = table.holders(key).filter((row) => row.kind === "acquire" && row.owner === one.ownerId);
      for (const row of rows) table.remove(row);
      return rows.length > 0;
    });
    return !freed.includes(false);
  }
  const id = one.by === "grant" ? one.grantId : one.claimId;
  if (one.tombstone) table.bury(id, TOMBSTONE_LIFETIME);
  const rows = ofGrant(table, one.keys, id);
  if (one.by === "grant") {
    // Also where a later grant has taken it over: it must not come back when that is withdrawn.
    for (const key of one.keys) table.remove({ key, grant_id: id });
    return rows.length === one.keys.length;
  }
  for (const row of rows) table.withdraw(row);
  return rows.length > 0;
}

function ofGrant(table: LockTable, keys: readonly string[], grantId: string): Row[] {
  return keys.flatMap((key) => table.holders(key).filter((row) => row.grant_id === grantId));
}

/** Whether it is the claim's own (asked for again), or one that its owner acquired before. */
function isHad(row: Row, claim: Claim): boolean {
  if (row.grant_id === claim.id) return true;
  const isAcquired = row.kind === "acquire" && claim.kind === "acquire" && claim.ownerId !== null;
  return isAcquired && row.owner === claim.ownerId && row.permits === claim.limit;
}

/** The one rule: all holders have the same limit, and there are fewer of them than that. */
function fits(rows: readonly Row[], limit: number): boolean {
  return rows.length < limit && rows.every((row) => row.permits === limit);
}

function granted(row: Row, remaining: number): TakeReply {
  return { status: "granted", grantId: row.grant_id, token: row.token, remaining };
}
