import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Mutant } from "./mutants.ts";

export type Verdict = "killed" | "survived" | "timed out";

/** Runs the tests, one command after another, in a copy of the workspace in which one line is another, and puts the line back. */
export async function tried(
  { file, line, before, after }: Mutant,
  copy: string,
  commands: readonly (readonly string[])[],
  limit: number,
): Promise<Verdict> {
  const path = join(copy, file);
  const text = await readFile(path, "utf8");
  const lines = text.split("\n");
  if (lines[line - 1] !== before) throw new Error(`${file}:${line} is not what it was`);
  lines[line - 1] = after;
  await writeFile(path, lines.join("\n"));
  try {
    let verdict: Verdict = "survived";
    for (const command of commands) if (verdict === "survived") verdict = await run(command, copy, limit);
    return verdict;
  } finally {
    await writeFile(path, text);
    const reset = process.env["LOCK_MUTATE_RESET"];
    if (reset !== undefined) await run([reset], copy, limit);
  }
}

async function run([name = "", ...args]: readonly string[], cwd: string, limit: number): Promise<Verdict> {
  // A group of its own, so that what the tests started ends with them.
  const child = spawn(name, args, { cwd, stdio: "ignore", detached: true });
  let overdue = false;
  const timer = setTimeout(() => {
    overdue = true;
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }, limit);
  const code = await new Promise<number | null>((resolve) => child.on("exit", resolve));
  clearTimeout(timer);
  if (overdue) return "timed out";
  return code === 0 ? "survived" : "killed";
}
