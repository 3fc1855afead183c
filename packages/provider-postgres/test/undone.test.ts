import { expect, test } from "vitest";
import { migratedDatabase } from "./database.ts";
import { instance, newId } from "./instance.ts";

test("a session whose bare locks can't be undone is given up", async () => {
  await using database = await migratedDatabase();
  const namespace = newId();
  const url = new URL(database.url);
  // Stands before the server's own.
  url.searchParams.set("options", `-c search_path=${database.schema},pg_catalog`);
  await using own = await instance({ connectionString: url.href }, { namespace, sessions: 1 });
  await using other = await instance({ connectionString: database.url }, { namespace, sessions: 1 });
  await database.query(`CREATE FUNCTION pg_advisory_unlock(integer, integer) RETURNS boolean
    LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$`);
  const [made] = await database.query(
    "SELECT pg_get_functiondef('locking_hold_bare(text,bigint)'::regprocedure) AS text",
  );
  await database.query(`CREATE OR REPLACE FUNCTION locking_hold_bare(p_namespace text, p_hash bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$ BEGIN
      PERFORM pg_catalog.pg_advisory_lock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer);
      RAISE query_canceled;
    END $$`);
  expect(await own.take({ wait: false })).toMatchObject({ status: "failed" });
  await database.query(made?.["text"] as string);
  await expect
    .poll(() => other.take({ wait: false }), { timeout: 5_000 })
    .toMatchObject({ status: "granted" });
});
