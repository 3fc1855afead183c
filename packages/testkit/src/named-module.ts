import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** The address of a module that a person named: a file, or a package that is installed where they are. */
export function namedModule(name: string, folder: string): URL {
  const path = resolve(folder, name);
  if (existsSync(path)) return pathToFileURL(path);
  if (/^[./]/.test(name)) throw new TypeError(`There is no file ${path}`);
  try {
    return pathToFileURL(createRequire(`${folder}/`).resolve(name));
  } catch (cause) {
    throw new TypeError(`"${name}" is neither a file nor an installed package`, { cause });
  }
}
