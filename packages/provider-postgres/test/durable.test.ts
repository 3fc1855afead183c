import { beforeEach, describe, expect, test } from "vitest";
import { claimOf } from "./instance.ts";
import { twoInstances } from "./two-instances.ts";

const at = twoInstances();
const [short, long] = [20_000, 120_000];
const freeing = (grantId: string, ...keys: string[]) => ({
  by: "grant" as const,
  grantId,
  keys,
  tombstone: false,
});

beforeEach(async () => {
  await at.database.query("CREATE TABLE IF NOT EXISTS noted (setting text)");
  await at.database.query(`
    CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`);
  for (const table of ["locking", "locking_queue"]) {
    await at.database.query(`DROP TRIGGER IF EXISTS noting ON ${table}`);
    await at.database.query(
      `CREATE CONSTRAINT TRIGGER noting AFTER INSERT OR UPDATE OR DELETE ON ${table}
       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note()`,
    );
  }
});

/** Whether what this wrote is on the disk before it answers: what the server is told as it commits. */
async function waits(act: () => Promise<unknown>): Promise<unknown> {
  await at.database.query("TRUNCATE noted");
  await act();
  const noted = await at.database.query("SELECT DISTINCT setting FROM noted");
  return noted.map(({ setting }) => setting === "on");
}

describe("the disk is waited for by", () => {
  test("a claim that is granted, and not by one that queues", async () => {
    expect(await waits(() => at.one.take({ keys: ["a", "b"] }))).toEqual([true]);
    expect(await waits(() => at.one.take({ keys: ["a"] }))).toEqual([false]);
    expect(await waits(() => at.one.take({ keys: ["a", "b"] }))).toEqual([false]);
  });

  test("a claim that is refused, but comes upon an ended lease and hands it on", async () => {
    await at.one.take({ id: "h" });
    await at.one.take({ id: "w" });
    await at.database.query("UPDATE locking SET expires_at = clock_timestamp()");
    expect(await waits(() => at.other.take({ wait: false }))).toEqual([true]);
    await at.one.handedTo("w");
  });

  test("a release of what would last for more than a minute, and of no less", async () => {
    const claims = [short, short, short, long, long].map((lease, n) =>
      claimOf({ id: `c${n}`, keys: [`k${n}`], lease }),
    );
    await at.one.store.take(claims);
    const some = (...ns: number[]) => at.one.store.release(ns.map((n) => freeing(`c${n}`, `k${n}`)));
    expect(await waits(() => some(0))).toEqual([false]);
    expect(await waits(() => some(4))).toEqual([true]);
    await at.one.take({ id: "c0", keys: ["k0"], lease: short });
    expect(await waits(() => some(0, 1))).toEqual([false]);
    expect(await waits(() => some(2, 3))).toEqual([true]);
  });

  test("a release of several keys of which one would last so long", async () => {
    await at.one.take({ keys: ["a"], ownerId: "o", lease: long });
    await at.one.take({ keys: ["b"], ownerId: "o", lease: short });
    await at.one.take({ id: "c", keys: ["a", "b"], ownerId: "o", keepLease: true });
    expect(await waits(() => at.one.store.release([freeing("c", "a", "b")]))).toEqual([true]);
  });

  test.each([[["a"]], [["a", "b"]]])("a release that hands on, of %j", async (keys) => {
    await at.one.take({ id: "h", keys, lease: short });
    await at.one.take({ id: "w" });
    expect(await waits(() => at.one.store.release([freeing("h", ...keys)]))).toEqual([true]);
    expect(at.one.handovers).toMatchObject([{ claimId: "w" }]);
  });

  test("a withdrawal that gives back what was held before, and not by one of a claim that waits", async () => {
    const keys = ["a", "b"];
    await at.one.take({ keys: ["a"], ownerId: "o", lease: short });
    await at.one.take({ id: "c", keys, ownerId: "o", lease: short });
    await at.one.take({ id: "w", keys });
    const withdrawal = (claimId: string) =>
      at.one.store.release([{ by: "claim", claimId, keys, tombstone: false }]);
    expect(await waits(() => withdrawal("w"))).toEqual([false]);
    expect(await waits(() => withdrawal("c"))).toEqual([true]);
  });
});
