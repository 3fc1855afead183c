import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { allCases, prepareSuite, runCase } from "@lock/testkit";
import { describeConformance } from "@lock/testkit/vitest";
import { describe, expect, test } from "vitest";

const page = await readFile(new URL("../../../docs/writing-a-provider.md", import.meta.url), "utf8");
const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = fileURLToPath(new URL("../.cache/writing-a-provider", import.meta.url));

/** The block of the page that begins with this comment, to the end. */
function block(name: string): string {
  const found = new RegExp(`^\`\`\`ts\\n(// ${name}\\n[^]*?)^\`\`\`$`, "m").exec(page)?.[1];
  if (found === undefined) throw new Error(`The page has no block ${name}`);
  return found;
}

const subjectOfStore = `
import { defineSubject, type Subject } from "@lock/testkit";
import mapProvider from "./map-provider.ts";
import { MapStore } from "./map-store.ts";
const store = (): MapStore => new MapStore();
const subject: Subject = defineSubject({ name: "the store", create: () => mapProvider(), store });
export default subject;
`;

const subjectOfReadme = `
import { defineSubject, type Subject } from "@lock/testkit";
import { tableProvider, tableStore } from "./readme.ts";
const subject: Subject = defineSubject({ name: "the readme's", create: () => tableProvider(), store: tableStore });
export default subject;
`;

const subjectOfClass = `
import { defineSubject, type Subject } from "@lock/testkit";
import TableProvider from "./table-provider.ts";
const subject: Subject = defineSubject({ name: "the class", create: () => ({ resolve: TableProvider }) });
export default subject;
`;

const sampleOfReadme = /^```ts\n((?:(?!^```)[^])*export const tableProvider[^]*?)^```$/m.exec(readme)?.[1];
if (sampleOfReadme === undefined) throw new Error("The readme has no custom provider");

// Without the check of the owner it frees whatever is held.
const unconditional = block("map-store.ts").replace(
  'return claim.kind === "acquire" && claim.ownerId === ownerId;',
  "return true;",
);

await rm(folder, { recursive: true, force: true });
for (const [variant, store] of [
  ["good", block("map-store.ts")],
  ["broken", unconditional],
] as const) {
  const files = {
    "map-store.ts": store,
    "map-provider.ts": `import { MapStore } from "./map-store.ts";\n${block("map-provider.ts")}`,
    "subject.ts": `import { mapProvider } from "./map-provider.ts";\n${block("subject.ts")}`,
    "store-subject.ts": subjectOfStore,
    "table-provider.ts": block("table-provider.ts"),
    "class-subject.ts": subjectOfClass,
    "readme.ts": `${sampleOfReadme}\nexport { tableStore };\n`,
    "readme-subject.ts": subjectOfReadme,
  };
  await mkdir(join(folder, "src", variant), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, "src", variant, name), text);
}
// What a sample leaves unused is no mistake.
const samples = { noUnusedLocals: false, noUnusedParameters: false, isolatedDeclarations: false };
const output = { noEmit: false, rewriteRelativeImportExtensions: true, rootDir: "src", outDir: "out" };
const compilerOptions = { ...samples, ...output };
const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["src"] };
await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { stdio: "inherit" });

describe("the store of docs/writing-a-provider.md", async () => {
  await describeConformance({ subject: join(folder, "out/good/store-subject.js") });
});

describe("the store of README.md", async () => {
  await describeConformance({ subject: join(folder, "out/good/readme-subject.js") });
});

describe("the class of docs/writing-a-provider.md", async () => {
  await describeConformance({ subject: join(folder, "out/good/class-subject.js") });
});

test("docs/writing-a-provider.md has a heading for every area, to which failures point", () => {
  const headings = [...page.matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([...new Set(allCases.map((one) => one.area))]);
});

test("the same store is rejected when its release is unconditional", async () => {
  expect(unconditional).not.toBe(block("map-store.ts"));
  const suite = await prepareSuite(join(folder, "out/broken/subject.js"));
  const release = suite.applicable.filter((one) => one.case.area === "release");
  const results = await Promise.allSettled(release.map(async (one) => await runCase(one, suite)));
  const rejected = release.filter((_, index) => results[index]?.status === "rejected");
  expect(rejected.map((one) => one.case.name)).toContain("with an owner it frees nobody else's lock");
});
