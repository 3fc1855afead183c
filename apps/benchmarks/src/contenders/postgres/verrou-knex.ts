import { LockFactory } from "@verrou/core";
import { knexStore } from "@verrou/core/drivers/knex";
import knex from "knex";
import type { Contender } from "../../contender.ts";
import { verrouTable } from "./verrou-table.ts";

function verrou(name: string, retry: { delay?: number }, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    open: async ({ url }) => {
      const connection = knex({ client: "pg", connection: url });
      const factory = new LockFactory(knexStore({ ...verrouTable, connection }).factory(), { retry });
      return {
        run: (key, job) => factory.createLock(`knex:${key}`).run(async () => job()),
        close: () => connection.destroy(),
      };
    },
  };
}

export const verrouKnexContenders: readonly Contender[] = [
  verrou("Verrou (knex)", {}),
  verrou("Verrou (knex, tuned)", { delay: 5 }, "retry.delay 5 ms"),
];
