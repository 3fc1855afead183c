import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const VERSION = "2.21.2";
const packages = ["framework", "locking-redis", "locking-postgres"];

// Apart from the workspace: the framework that the two providers ask for brings 600 packages, 270 MB.
const folder = fileURLToPath(new URL("../../.cache/medusa/", import.meta.url));

/** Whether Medusa's providers have been fetched, so that they compete too. */
export const medusaIsHere: boolean = existsSync(`${folder}node_modules/@medusajs/framework/package.json`);

export async function fetchMedusa(): Promise<void> {
  if (medusaIsHere) return;
  await mkdir(folder, { recursive: true });
  const wanted = packages.map((name) => `@medusajs/${name}@${VERSION}`);
  const quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await promisify(execFile)("npm", ["install", "--prefix", folder, ...quietly, ...wanted]);
}

/** A module of Medusa's, from where it was fetched to. */
export function fromMedusa(name: string): unknown {
  return createRequire(folder)(name);
}
