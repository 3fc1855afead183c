import type { Contender } from "../../contender.ts";
import { fromMedusa, medusaIsHere } from "../medusa.ts";

interface AdvisoryLock {
  readonly PostgresAdvisoryLockProvider: new (container: { manager: unknown }) => {
    execute<T>(key: string, job: () => Promise<T>, args: { timeout: number }): Promise<T>;
  };
}

interface MikroOrm {
  readonly MikroORM: {
    init(options: object): Promise<{ em: { fork(): unknown }; close(): Promise<void> }>;
  };
}

function medusa(name: string, connections: (callers: number) => number, tuned?: string): Contender {
  return {
    name,
    standing: "peer",
    ...(tuned !== undefined && { tuned }),
    scenarios: tuned === undefined ? ["uncontended", "contended"] : ["contended"],
    // BEGIN, the lock, COMMIT.
    statementsPerTransaction: 3,
    open: async ({ url, callers }) => {
      const { PostgresAdvisoryLockProvider } = fromMedusa(
        "@medusajs/locking-postgres/dist/services/advisory-lock.js",
      ) as AdvisoryLock;
      const { MikroORM } = fromMedusa("@medusajs/framework/mikro-orm/postgresql") as MikroOrm;
      const orm = await MikroORM.init({
        clientUrl: url,
        entities: [],
        discovery: { warnWhenNoEntities: false },
        pool: { min: 2, max: connections(callers) },
      });
      const provider = new PostgresAdvisoryLockProvider({ manager: orm.em.fork() });
      return {
        run: (key, job) => provider.execute(key, async () => job(), { timeout: 60 }),
        close: () => orm.close(),
      };
    },
  };
}

export const medusaContenders: readonly Contender[] = medusaIsHere
  ? [
      medusa("Medusa locking-postgres", () => 10),
      medusa("Medusa locking-postgres (tuned)", (callers) => callers + 2, "a connection for every caller"),
    ]
  : [];
