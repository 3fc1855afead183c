import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LockError } from "../contract/errors.ts";

/**
 * The default export of a package or file, as the application would import it.
 *
 * @param from - the folder, or a file URL, from which names resolve.
 * @throws {LockError} `LOCK_CONFIG` when it isn't installed, fails to load or has no default export.
 */
export async function importDefault(name: string, from: string | URL): Promise<unknown> {
  const exported = unwrap(await load(name, locate(name, from)));
  if (exported !== undefined) return exported;
  throw new LockError(
    "LOCK_CONFIG",
    `"${name}" has no default export; it must be a provider factory or class`,
  );
}

function locate(name: string, from: string | URL): string {
  if (name.startsWith("file:")) return name;
  try {
    const require = createRequire(base(from));
    return pathToFileURL(resolveWith(require, name)).href;
  } catch (cause) {
    const isFile = name.startsWith(".") || isAbsolute(name);
    const advice = isFile
      ? "check the path (names resolve from resolveFrom)"
      : `run: npm install ${packageOf(name)}`;
    const message = `The provider "${name}" was not found from ${String(from)}; ${advice}`;
    throw new LockError("LOCK_CONFIG", message, { cause });
  }
}

function resolveWith(require: NodeJS.Require, name: string): string {
  try {
    return require.resolve(name);
  } catch (error) {
    // A package for `import` alone, which `require` does not see. There is no way yet to resolve one from elsewhere.
    const file =
      (error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED" && importOnly(require, name);
    if (file) return file;
    throw error;
  }
}

/** The file that a package gives to `import`, by the conditions of its exports; patterns are not looked at. */
function importOnly(require: NodeJS.Require, name: string): string | undefined {
  const subpath = `.${name.slice(packageOf(name).length)}`;
  for (const modules of require.resolve.paths(name) ?? []) {
    const folder = join(modules, packageOf(name));
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) continue;
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { exports?: unknown };
    const { exports } = manifest;
    const entries: Record<string, unknown> =
      isRecord(exports) && hasSubpaths(exports) ? exports : { ".": exports };
    const target = targetOf(entries[subpath]);
    return target === undefined ? undefined : join(folder, target);
  }
  return undefined;
}

function hasSubpaths(exports: Record<string, unknown>): boolean {
  return Object.keys(exports).some((key) => key.startsWith("."));
}

function targetOf(entry: unknown): string | undefined {
  if (typeof entry === "string") return entry;
  if (!isRecord(entry)) return undefined;
  const condition = Object.keys(entry).find((key) => key === "node" || key === "import" || key === "default");
  return condition === undefined ? undefined : targetOf(entry[condition]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The package that a name is of: its first part, or the first two of a scoped one. */
function packageOf(name: string): string {
  return name.split("/", name.startsWith("@") ? 2 : 1).join("/");
}

async function load(name: string, url: string): Promise<unknown> {
  try {
    return await import(url);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LockError("LOCK_CONFIG", `The provider "${name}" failed to load: ${why}`, { cause });
  }
}

function base(from: string | URL): string {
  const path = from instanceof URL || from.startsWith("file:") ? fileURLToPath(from) : resolve(from);
  // A file stands for its folder already; a folder needs something in it to resolve from.
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
  return isFolder ? join(path, "resolve-from.js") : path;
}

/** CommonJS modules that were compiled from ESM hide their default export one level down. */
function unwrap(module: unknown): unknown {
  const exported = (module as { default?: unknown }).default;
  if (typeof exported === "object" && exported !== null && "default" in exported) return exported.default;
  return exported;
}
