import pg from "pg";
import { expect, onTestFinished } from "vitest";
import { keyHash } from "../src/key-hash.ts";
import type { TestDatabase } from "./database.ts";

/** A key that statements wait for, until it is let go. */
export interface HeldKey {
  /** Takes what statements on the key take first. */
  hold(): Promise<unknown>;
  /** Resolves when so many statements wait for it. */
  awaitedBy(count: number): Promise<void>;
  letGo(): Promise<unknown>;
}

/** The key "a" of the one namespace that has locks in this database. */
export async function heldKey(database: TestDatabase): Promise<HeldKey> {
  const [{ namespace } = { namespace: "" }] = await database.query("SELECT namespace FROM locking");
  const hash = String(keyHash(namespace as string, "a"));
  const client = new pg.Client(database.url);
  await client.connect();
  onTestFinished(() => client.end());
  return {
    hold: async () => {
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock($1)", [hash]);
    },
    awaitedBy: (count) =>
      expect
        .poll(() =>
          database.query(
            "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid::bigint = $1::bigint & 4294967295",
            [hash],
          ),
        )
        .toHaveLength(count),
    letGo: () => client.query("COMMIT"),
  };
}
