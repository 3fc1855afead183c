import { LockFactory } from "@verrou/core";
import { kyselyStore } from "@verrou/core/drivers/kysely";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import type { Contender } from "../../contender.ts";
import { verrouTable } from "./verrou-table.ts";

function verrou(name: string, retry: { delay?: number }, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    open: async ({ url }) => {
      const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) });
      const connection = new Kysely({ dialect });
      const factory = new LockFactory(kyselyStore({ ...verrouTable, connection }).factory(), { retry });
      return {
        run: (key, job) => factory.createLock(`kysely:${key}`).run(async () => job()),
        close: () => connection.destroy(),
      };
    },
  };
}

export const verrouKyselyContenders: readonly Contender[] = [
  verrou("Verrou (kysely)", {}),
  verrou("Verrou (kysely, tuned)", { delay: 5 }, "retry.delay 5 ms"),
];
