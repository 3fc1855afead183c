import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Contender } from "../../contender.ts";

const create =
  "CREATE TABLE IF NOT EXISTS raw_locks (key text PRIMARY KEY, owner text NOT NULL, expires timestamptz NOT NULL)";
const take = {
  name: "take",
  text: `INSERT INTO raw_locks VALUES ($1, $2, now() + interval '30 seconds')
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, expires = excluded.expires WHERE raw_locks.expires < now()`,
};
const give = { name: "give", text: "DELETE FROM raw_locks WHERE key = $1 AND owner = $2" };

/** Two named statements over a pool of the default size: the least that could be called a lock on rows. */
export const rawRows: Contender = {
  name: "raw upsert + delete",
  standing: "raw",
  scenarios: ["uncontended"],
  open: async ({ url }) => {
    const pool = new pg.Pool({ connectionString: url });
    await pool.query(create);
    return {
      run: async (key, job) => {
        const owner = randomUUID();
        const { rowCount } = await pool.query({ ...take, values: [key, owner] });
        if (rowCount === 0) throw new Error(`${key} is held`);
        await job();
        await pool.query({ ...give, values: [key, owner] });
      },
      close: () => pool.end(),
    };
  },
};
