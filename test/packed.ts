import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a program to its end; where it fails, the error says what it wrote. */
export async function run(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  try {
    return await execute(file, [...args], { ...options, maxBuffer: 2 ** 26 });
  } catch (cause) {
    const { stdout = "", stderr = "" } = cause as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${file} ${args.join(" ")}\n${stdout}${stderr}`, { cause });
  }
}

/** Packs packages of the workspace as they would be published; their tarballs by the names of their folders. */
export async function pack(names: Iterable<string>, folder: string): Promise<ReadonlyMap<string, string>> {
  const packing = [...new Set(names)].map(async (name) => {
    const args = ["pack", "--json", "--pack-destination", folder];
    const { stdout } = await run("pnpm", args, { cwd: resolve("packages", name) });
    const { filename } = JSON.parse(stdout) as { readonly filename: string };
    return [name, resolve(folder, filename)] as const;
  });
  return new Map(await Promise.all(packing));
}

/** Installs tarballs, and what the folder's package asks for beside them, as a user would. */
export async function install(folder: string, tarballs: readonly string[]): Promise<void> {
  await run("npm", ["install", "--no-audit", "--no-fund", ...tarballs], { cwd: folder });
}

/** A program that was installed in a folder. */
export function installed(folder: string, program: string): string {
  return join(folder, "node_modules/.bin", program);
}
