import type { Contender } from "../contender.ts";
import { advisoryLock } from "./postgres/advisory-lock.ts";
import { lockContenders } from "./postgres/lock.ts";
import { medusaContenders } from "./postgres/medusa.ts";
import { pgMutexLock } from "./postgres/pg-mutex-lock.ts";
import { rawAdvisory, rawBlocking } from "./postgres/raw-advisory.ts";
import { rawRows } from "./postgres/raw-rows.ts";
import { verrouKnexContenders } from "./postgres/verrou-knex.ts";
import { verrouKyselyContenders } from "./postgres/verrou-kysely.ts";

export const postgresContenders: readonly Contender[] = [
  ...lockContenders,
  rawAdvisory,
  rawBlocking,
  rawRows,
  ...verrouKnexContenders,
  ...verrouKyselyContenders,
  pgMutexLock,
  advisoryLock,
  ...medusaContenders,
];
