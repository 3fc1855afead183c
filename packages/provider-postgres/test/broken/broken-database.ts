import { migratedDatabase, type TestDatabase } from "../database.ts";
import type { Defect } from "./defects.ts";

/** A database whose functions are written otherwise. */
export async function brokenDatabase({ instead }: Defect): Promise<TestDatabase> {
  const database = await migratedDatabase();
  const functions = await database.query(
    `SELECT pg_get_functiondef(oid) AS text FROM pg_proc
      WHERE pronamespace = $1::regnamespace AND proname LIKE 'locking%'`,
    [database.schema],
  );
  // As the migrations write them; the search path leads to the same schema.
  const qualified = new RegExp(`"${database.schema}"\\."(\\w+)"`, "g");
  const texts = functions.map(({ text }) => String(text).replaceAll(qualified, "$1"));
  for (const [of] of instead) {
    if (!texts.some((text) => text.includes(of))) throw new Error(`No function says ${of}`);
  }
  for (const text of texts) {
    let written = text;
    for (const [of, write] of instead) written = written.replaceAll(of, write);
    if (written !== text) await database.query(written);
  }
  return database;
}
