import { pathToFileURL } from "node:url";
import type { Subject } from "@lock/testkit";
import { subjectOf } from "./broken.ts";
import { catalogues } from "./catalogue/catalogues.ts";

/** The address of a module whose subject is the n-th candidate of a catalogue; without n it is the correct one. */
export function chosen(catalogue: string, n?: number): string {
  const url = pathToFileURL(import.meta.filename);
  url.searchParams.set("catalogue", catalogue);
  if (n !== undefined) url.searchParams.set("n", String(n));
  return url.href;
}

// Child processes load this module by its address, and with it the same candidate.
const { searchParams } = new URL(import.meta.url);
const { correct, broken } = catalogues[searchParams.get("catalogue") ?? "stores"]!;
const n = searchParams.get("n");

const subject: Subject = subjectOf(n === null ? correct : broken[Number(n)]!);
export default subject;
