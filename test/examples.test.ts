import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { install, installed, pack, run } from "./packed.ts";

let folder: string;

beforeAll(async () => {
  // Away from the workspace, so that nothing is found but what was installed.
  folder = await mkdtemp(join(tmpdir(), "lock-examples-"));
  const tarballs = await pack(["core", "testkit"], join(folder, "tarballs"));
  await cp(resolve("examples/provider-sqlite"), join(folder, "provider-sqlite"), { recursive: true });
  await install(join(folder, "provider-sqlite"), [...tarballs.values()]);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("examples/provider-sqlite, installed from tarballs,", () => {
  const example = (): string => join(folder, "provider-sqlite");
  const withFile = (name: string): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } => {
    return { cwd: example(), env: { ...process.env, SQLITE_FILE: join(folder, name) } };
  };

  test("keeps the contract by its own tests", async () => {
    const { stdout } = await run("npm", ["test"], withFile("tested.db"));
    expect(stdout).toMatch(/fail 0\b/);
  }, 180_000);

  test("is built into a package that can be imported", async () => {
    await run("npm", ["run", "build"], { cwd: example() });
    const program = "import sqlite from './dist/index.js'; console.log(sqlite({ file: 'x.db' }).identifier)";
    const { stdout } = await run("node", ["--input-type=module", "-e", program], { cwd: example() });
    expect(stdout.trim()).toBe("locking-sqlite");
  }, 60_000);

  test("stands a soak among processes that are killed and stopped", async () => {
    const args = ["soak", "test/subject.ts", "--seconds", "8", "--json"];
    const { stdout } = await run(installed(example(), "lock-testkit"), args, withFile("soaked.db"));
    expect((JSON.parse(stdout) as { violations: string[] }).violations).toEqual([]);
  }, 90_000);
});
