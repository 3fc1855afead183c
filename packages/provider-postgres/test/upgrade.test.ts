import { createLocking } from "@lock/core";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import { applyMissing, migrate, migrationStatus } from "../src/migrate.ts";
import { postgresProvider } from "../src/provider.ts";
import { shippedMigrations } from "../src/shipped-migrations.ts";
import { emptyDatabase } from "./database.ts";
import { newId } from "./instance.ts";
import { lastOfOlderVersion, olderVersion } from "./older-version.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** Migrates as the older version did. */
async function migrateOlder(url: string): Promise<void> {
  const shipped = await shippedMigrations();
  const end = shipped.findIndex(({ name }) => name === lastOfOlderVersion) + 1;
  const client = await connected(url);
  await applyMissing(client, {}, shipped.slice(0, end));
  await client.end();
}

test("a version that was there before goes on beside newer ones, while they migrate and after that", async () => {
  await using database = await emptyDatabase();
  await migrateOlder(database.url);
  const namespace = newId();
  const done = { older: 0, newer: 0 };
  const failed: unknown[] = [];
  let inside = 0;
  const ending = new AbortController();
  const until = (version: "older" | "newer", times: number) =>
    expect.poll(() => done[version] >= times || failed.length > 0, { timeout: 15_000 }).toBe(true);
  const work = async (version: "older" | "newer", execute: (job: () => Promise<void>) => Promise<void>) => {
    while (!ending.signal.aborted && failed.length === 0) {
      await execute(async () => {
        inside += 1;
        await pause(1);
        if (inside !== 1) failed.push(`${inside} held the key together`);
        inside -= 1;
        done[version] += 1;
      }).catch((error: unknown) => failed.push(error));
    }
  };
  await using one = olderVersion(database.url, namespace);
  await using other = olderVersion(database.url, namespace);
  const older = [one, one, other, other].map((each) => work("older", (job) => each.execute(["k"], job)));
  older.push(...[one, other].map((each) => work("older", (job) => each.execute(["k", "l"], job))));
  await until("older", 5);

  const reports = await Promise.all([migrate(database.url), migrate(database.url)]);
  expect(reports.flatMap(({ applied }) => applied)).toContain("0010_session_bare");
  await migrateOlder(database.url);
  const providers = [postgresProvider({ connectionString: database.url, namespace })];
  const locking = await createLocking({ providers, logger: silent });
  const newer = [0, 1].map(() => work("newer", (job) => locking.execute("k", job, { timeout: 15 })));
  const before = done.older;
  await until("newer", 5);
  await until("older", before + 5);
  ending.abort();
  await Promise.all([...older, ...newer]);
  await locking.close();
  expect(failed).toEqual([]);
  expect((await migrationStatus(database.url)).pending).toEqual([]);
}, 40_000);

test("calls of a version that was there before, met by a migration in their middle, come to their end after it", async () => {
  await using database = await emptyDatabase();
  await migrateOlder(database.url);
  await using older = olderVersion(database.url, "test");
  await using other = olderVersion(database.url, "test");
  const client = await connected(database.url);
  await client.query("BEGIN; LOCK TABLE locking, locking_queue, locking_withdrawn IN ACCESS EXCLUSIVE MODE");
  const calls = [
    older.execute(["a"], async () => {}),
    older.execute(["b", "c"], async () => {}),
    other.execute(["d", "e"], async () => {}),
  ];
  await expect
    .poll(() =>
      database.query(
        "SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted AND relation IN ('locking'::regclass, 'locking_queue'::regclass, 'locking_withdrawn'::regclass)",
      ),
    )
    .toEqual([{ count: calls.length }]);
  await applyMissing(client, {}, await shippedMigrations());
  await client.end();
  await Promise.all(calls);
});
