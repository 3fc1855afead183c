import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { RequestKeys } from "../src/operations/request.ts";
import { newId } from "./instance.ts";

/** A process that still runs the first version, which knows the functions of the migrations up to 0005. */
export interface OlderVersion extends AsyncDisposable {
  /** Waits its turn, runs the job under the lock of the keys, and releases it. */
  execute(keys: readonly string[], job: () => Promise<void>): Promise<void>;
}

export const lastOfOlderVersion = "0005_sweep";

const claim = { kind: "execute", permits: 1, lease: 30_000, keep: false, wait: true };

/** It asks as that version did, with its statements. */
export function olderVersion(url: string, namespace: string): OlderVersion {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const call = async (text: string, values: unknown[]): Promise<string[]> => {
    const { rows } = await pool.query<{ outcome: string }>({ name: text.slice(0, 60), text, values });
    return rows.map(({ outcome }) => outcome);
  };
  const take = (id: string, { hashes, keys }: RequestKeys): Promise<string[]> =>
    keys.length === 1
      ? call("SELECT outcome, n FROM locking_take_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", [
          namespace,
          null,
          hashes[0],
          keys[0],
          id,
          null,
          "execute",
          1,
          30_000,
          false,
          true,
        ])
      : call("SELECT outcome, n FROM locking_take($1, $2, $3, $4, $5)", [
          namespace,
          null,
          hashes,
          keys,
          JSON.stringify([{ n: 0, id, solo: null, keys: keys.map((_, n) => n + 1), ...claim }]),
        ]);
  const release = (id: string, { hashes, keys }: RequestKeys): Promise<string[]> =>
    keys.length === 1
      ? call("SELECT outcome, n FROM locking_release_one($1, $2, $3, $4, $5, $6)", [
          namespace,
          null,
          hashes[0],
          keys[0],
          id,
          null,
        ])
      : call("SELECT outcome, n FROM locking_release($1, $2, $3, $4, $5, $6)", [
          namespace,
          null,
          hashes,
          keys,
          "[]",
          JSON.stringify([{ n: 0, how: "grant", id, keys: keys.map((_, n) => n + 1), tombstone: false }]),
        ]);
  return {
    async execute(wanted, job) {
      const keys = new RequestKeys(namespace, [{ keys: wanted }]);
      const id = newId();
      const had = (outcome: string): boolean => outcome === "plain" || outcome === "granted";
      while (!(await take(id, keys)).some(had)) await pause(15);
      await job();
      if (!(await release(id, keys)).includes("freed")) throw new Error("The lock was lost under the job");
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
