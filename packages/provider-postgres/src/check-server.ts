import { LockError } from "@lock/core";
import type { Connection } from "./connection.ts";
import { missingMigrations } from "./failures.ts";
import { bindSignature } from "./operations/bind.ts";
import { holdBareSignature, holdSignature } from "./operations/hold.ts";
import { letGoOneSignature, letGoSignature } from "./operations/let-go.ts";
import { lookSignature } from "./operations/look.ts";
import { releaseAllSignature } from "./operations/release-all.ts";
import { releaseAbsorbedSignature } from "./operations/release-absorbed.ts";
import { releaseOneSignature, releaseSignature } from "./operations/release.ts";
import { renewSignature } from "./operations/renew.ts";
import { sweepSignature } from "./operations/sweep.ts";
import { takeOneSignature, takeSignature } from "./operations/take.ts";

export const functions: readonly string[] = [
  takeSignature,
  takeOneSignature,
  renewSignature,
  releaseSignature,
  releaseOneSignature,
  releaseAbsorbedSignature,
  releaseAllSignature,
  sweepSignature,
  holdSignature,
  holdBareSignature,
  letGoSignature,
  letGoOneSignature,
  lookSignature,
  bindSignature,
];

// In the text and not as a value, since it is the text that has its names written anew.
const found = functions.map((signature) => `to_regprocedure('${signature}') IS NOT NULL`);

/** @throws {LockError} `LOCK_UNAVAILABLE` unless it is a primary on which all migrations are applied. */
export async function checkServer(connection: Connection): Promise<void> {
  const [row] = await connection.query({
    name: "",
    text: `SELECT pg_is_in_recovery(), (${found.join(" AND ")})`,
    values: [],
  });
  if (row?.[1] !== "t") throw new LockError("LOCK_UNAVAILABLE", missingMigrations);
  if (row[0] === "t") {
    throw new LockError("LOCK_UNAVAILABLE", "The server is a read-only replica: connect to the primary");
  }
}
