import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { emptyDatabase } from "./database.ts";
import { instance } from "./instance.ts";

const run = promisify(execFile);
const packageFolder = new URL("..", import.meta.url).pathname;

async function generate(folder: string): Promise<string> {
  const options = ["--dialect", "postgresql", "--schema", "src/schema.ts", "--out", folder];
  const { stdout } = await run("node_modules/.bin/drizzle-kit", ["generate", ...options], {
    cwd: packageFolder,
  });
  return stdout;
}

test("the migrations are what drizzle-kit makes of the schema", async () => {
  expect(await generate("./migrations")).toContain("No schema changes");
});

test("the tables may come from an application's own drizzle migrations; migrate() adds the functions", async () => {
  await using database = await emptyDatabase();
  const folder = await mkdtemp(join(packageFolder, "node_modules/.generated-"));
  try {
    await generate(folder);
    const [file] = (await readdir(folder)).filter((name) => name.endsWith(".sql"));
    const sql = await readFile(join(folder, file as string), "utf8");
    await database.query(sql.replaceAll("--> statement-breakpoint", "").replaceAll('"public".', ""));
  } finally {
    await rm(folder, { recursive: true });
  }
  await migrate(database.url);
  await using one = await instance({ connectionString: database.url });
  expect(await one.take({})).toMatchObject({ status: "granted" });
});
