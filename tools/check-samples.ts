// Type-checks every ```ts block of the documentation against the built packages, as a strict user would compile it.
// Each block is a module of its own. A comment right before it says what it takes for granted:
//   <!-- continues -->      it goes on where the previous block of the page ended
//   <!-- setup: CODE -->    imports and declarations that the reader imagines; may span lines
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const files = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
const pages = execFileSync("git", files, { encoding: "utf8" }).trim().split("\n").filter(existsSync);
// Inside node_modules, so that the packages resolve as they do for a user and no other tool looks at it.
const folder = "node_modules/.samples";
const sample = /^(?:<!-- (?:(continues)|setup:((?:(?!-->)[^])*)) -->\n+)?```ts\n([^]*?)^```$/gm;

/** Line of the page at which each of its blocks starts, and the module to check; line numbers agree with the page's. */
function samplesOf(page: string): [line: number, module: string][] {
  let module = "";
  const place = (code: string, line: number): string => {
    module += "\n".repeat(Math.max(0, line - module.split("\n").length)) + code;
    return module;
  };
  return [...page.matchAll(sample)].map((match) => {
    const [all, continues, setup, code = ""] = match;
    const lines = (offset: number): number => page.slice(0, match.index + offset).split("\n").length;
    if (!continues) module = "";
    if (setup) place(setup, lines(0));
    const line = lines(all.indexOf("```ts\n"));
    return [line, `${place(code, line + 1)}export {};\n`];
  });
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
let count = 0;
for (const page of pages) {
  for (const [line, module] of samplesOf(readFileSync(page, "utf8"))) {
    mkdirSync(join(folder, page), { recursive: true });
    writeFileSync(join(folder, page, `${line}.ts`), module);
    count++;
  }
}
// What is good style in a code base, but no mistake in a sample.
const compilerOptions = {
  isolatedDeclarations: false,
  noPropertyAccessFromIndexSignature: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
};
const config = { extends: "../../tsconfig.base.json", compilerOptions, include: ["**/*.ts"] };
writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
const { status, stdout } = spawnSync("node_modules/.bin/tsc", ["-p", folder, "--pretty", "false"], {
  encoding: "utf8",
});
process.stdout.write(stdout.replaceAll(/^node_modules\/\.samples\/(.*\.md)\/\d+\.ts/gm, "$1"));
console.log(`${count} samples checked`);
process.exitCode = count === 0 ? 1 : (status ?? 1);
