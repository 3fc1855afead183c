import { createRequire } from "node:module";
import { join } from "node:path";
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
    return pathToFileURL(createRequire(base(from)).resolve(name)).href;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    // A package for `import` alone, which `require` can't see.
    if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return name;
    const isFile = name.startsWith(".") || name.startsWith("/");
    const advice = isFile ? "check the path (names resolve from resolveFrom)" : `run: npm install ${name}`;
    const message = `The provider "${name}" was not found from ${String(from)}; ${advice}`;
    throw new LockError("LOCK_CONFIG", message, { cause });
  }
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
  const path = from instanceof URL || from.startsWith("file:") ? fileURLToPath(from) : from;
  // A file stands for its folder already; a folder needs something in it to resolve from.
  return /\.[cm]?[jt]s$/.test(path) ? path : join(path, "resolve-from.js");
}

/** CommonJS modules that were compiled from ESM hide their default export one level down. */
function unwrap(module: unknown): unknown {
  const exported = (module as { default?: unknown }).default;
  if (typeof exported === "object" && exported !== null && "default" in exported) return exported.default;
  return exported;
}
