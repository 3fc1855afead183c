import { createHash } from "node:crypto";
import pg from "pg";
import type { Contender } from "../../contender.ts";

const take = { name: "take", text: "SELECT pg_advisory_lock($1)" };
const give = { name: "give", text: "SELECT pg_advisory_unlock($1)" };

function number(key: string): string {
  return createHash("sha256").update(key).digest().readBigInt64BE().toString();
}

/** All callers on one connection. Nobody may wait there, since whoever is to be waited for could not unlock behind it. */
export const rawAdvisory: Contender = {
  name: "raw session advisory lock + unlock",
  standing: "raw",
  scenarios: ["uncontended"],
  open: async ({ url }) => {
    const client = new pg.Client(url);
    await client.connect();
    return {
      run: async (key, job) => {
        const values = [number(key)];
        await client.query({ ...take, values });
        await job();
        await client.query({ ...give, values });
      },
      close: () => client.end(),
    };
  },
};

export const rawBlocking: Contender = {
  name: "raw blocking advisory lock",
  standing: "raw",
  scenarios: ["contended"],
  open: async ({ url, callers }) => {
    const pool = new pg.Pool({ connectionString: url, max: callers });
    return {
      run: async (key, job) => {
        const values = [number(key)];
        const client = await pool.connect();
        await client.query({ ...take, values });
        try {
          await job();
        } finally {
          await client.query({ ...give, values });
          client.release();
        }
      },
      close: () => pool.end(),
    };
  },
};
