import { mkdtempSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLocking, type CreateLockingOptions } from "../src/service/create-locking.ts";
import { PlainStore } from "./plain-store.ts";
import { RecordingLogger } from "./recording-logger.ts";

const capabilities = JSON.stringify(new PlainStore().capabilities);
const provider = `{
  identifier: "from-file",
  capabilities: ${capabilities},
  async connect() {},
  async acquire() {},
  execute: async (keys, job) => "ran by " + (options?.name ?? "nobody"),
  async release() { return true; },
  async releaseAll() {},
  async inspect() { return []; },
  async close() {},
}`;
const factory = `(options) => (${provider})`;
const handwritten = `class {
  static identifier = "by-hand";
  constructor({ logger }, options) { logger.debug("made with " + options.name); this.name = options.name; }
  async acquire() {}
  async execute(keys, job) { await job(); return "ignored"; }
  async release() { return true; }
  async releaseAll() {}
}`;

let app: string;
beforeAll(() => {
  app = realpathSync(mkdtempSync(join(tmpdir(), "lock-resolve-")));
  const write = (path: string, text: string): void => {
    mkdirSync(join(app, path, ".."), { recursive: true });
    writeFileSync(join(app, path), text);
  };
  const installed = (name: string, manifest: object, files: Record<string, string>): void => {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", ...manifest }));
    for (const [file, text] of Object.entries(files)) write(`node_modules/${name}/${file}`, text);
  };
  write("package.json", '{ "type": "module" }');
  write("locks/factory.js", `export default ${factory};`);
  write("locks/class.js", `export default ${handwritten};`);
  write("locks/ready.js", `const options = { name: "ready" };\nexport default ${provider};`);
  write("locks/nothing.js", "export const provider = 1;");
  write("locks/broken.js", 'throw new RangeError("broken inside");');
  write("locks/compiled.cjs", `exports.__esModule = true; exports.default = ${factory};`);
  write("src/main.js", "");
  installed(
    "esm",
    { type: "module", exports: { default: "./main.js" } },
    { "main.js": `export default ${factory};` },
  );
  installed("cjs", { main: "main.cjs" }, { "main.cjs": `module.exports = ${factory};` });
  installed(
    "@scope/import-only",
    {
      type: "module",
      exports: { ".": { types: "./x.d.ts", import: "./main.js" }, "./sub": { import: "./main.js" } },
    },
    { "main.js": `export default ${factory};` },
  );
  installed(
    "@scope/bare-import",
    { type: "module", exports: { import: "./main.js" } },
    { "main.js": `export default ${factory};` },
  );
});
afterAll(() => rmSync(app, { recursive: true }));

async function ran(resolve: unknown, more: Partial<CreateLockingOptions> = {}): Promise<unknown> {
  const providers = [{ resolve, options: { name: "options" } }] as CreateLockingOptions["providers"];
  const locking = await createLocking({
    providers,
    resolveFrom: app,
    logger: new RecordingLogger(),
    ...more,
  });
  try {
    return await locking.execute("k", () => "ran by the job");
  } finally {
    await locking.close();
  }
}

describe("resolve", () => {
  test.each(["esm", "cjs", "@scope/import-only", "@scope/import-only/sub", "@scope/bare-import"])(
    "imports the default export of the package %s",
    async (name) => {
      expect(await ran(name)).toBe("ran by options");
    },
  );

  test.each(["./locks/factory.js", "./locks/compiled.cjs"])("and of the file %s", async (name) => {
    expect(await ran(name)).toBe("ran by options");
  });

  test("by an absolute path or a file URL as well", async () => {
    expect(await ran(join(app, "locks/factory.js"))).toBe("ran by options");
    expect(await ran(pathToFileURL(join(app, "locks/factory.js")).href)).toBe("ran by options");
  });

  test("takes a class, which is given the logger and the options", async () => {
    const logger = new RecordingLogger();
    expect(await ran("./locks/class.js", { logger })).toBe("ran by the job");
    expect(logger.at("debug")).toEqual(["made with options"]);
    expect(logger.at("info")).toEqual(['The default locking provider is "lp_by-hand"']);
  });

  test("takes a ready provider", async () => {
    expect(await ran("./locks/ready.js")).toBe("ran by ready");
  });

  test("names resolve from a folder, a file or either's URL, by default the working directory", async () => {
    const folder = pathToFileURL(app);
    const from: (string | URL)[] = [app, `${app}/`, folder, folder.href, `${folder.href}/`];
    for (const resolveFrom of from)
      expect(await ran("./locks/factory.js", { resolveFrom })).toBe("ran by options");
    const file = pathToFileURL(join(app, "src/main.js"));
    for (const resolveFrom of [file, file.href]) {
      expect(await ran("../locks/factory.js", { resolveFrom })).toBe("ran by options");
      expect(await ran("esm", { resolveFrom })).toBe("ran by options");
    }
    await expect(ran("./locks/factory.js", { resolveFrom: undefined })).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringContaining(process.cwd()) as unknown,
    });
  });
});

describe("what can't be resolved is LOCK_CONFIG", () => {
  test.each([
    ["not-installed", "npm install not-installed"],
    ["@scope/not-installed", "npm install @scope/not-installed"],
    ["@scope/not-installed/sub", "npm install @scope/not-installed"],
    ["./locks/not-there.js", "check the path"],
  ])("%s: it says what to do", async (name, advice) => {
    const error: unknown = await ran(name).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "LOCK_CONFIG" });
    expect((error as Error).message.endsWith(advice) || advice === "check the path").toBe(true);
    expect((error as Error).message).toContain(advice);
  });

  test("a module that fails to load keeps its cause", async () => {
    await expect(ran("./locks/broken.js")).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringContaining("broken inside") as unknown,
      cause: { name: "RangeError" },
    });
  });

  test("a module without a default export", async () => {
    await expect(ran("./locks/nothing.js")).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringContaining("no default export") as unknown,
    });
  });
});
