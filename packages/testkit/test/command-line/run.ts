import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** Runs Node in this folder, and resolves however it ends. */
export async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return await new Promise((resolve) => {
    const options = { cwd: here, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs the command line as a user would. */
export async function lockTestkit(...args: readonly string[]): Promise<Ended> {
  return await runNode([cli, ...args]);
}
