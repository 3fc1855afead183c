// Applies mutations to Lua and SQL one by one, each in a copy of the workspace, and says which of them no test finds out:
//
//   node tools/mutate.ts COPIES KIND SHARE SEED FILES -- TESTS
//
// COPIES: folders that each hold a built copy of the workspace, with commas between them; one mutant runs in each at a time. KIND: lua
// or sql (of which FILES are the migrations, in order). SHARE: of how many mutants one is tried. SEED: which of them. FILES, TESTS: relative to a copy.
//
// Use servers that nobody else uses: a mutant may loop in a script. LOCK_MUTATE_RESET, if set, is a program that is run after each mutant
// and frees the server where that has happened.
//
// For TypeScript there is Stryker.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { luaMutants, sqlMutants, type Mutant } from "./mutate/mutants.ts";
import { tried } from "./mutate/trial.ts";

const [copies = "", kind = "", share = "1", seed = "1", ...rest] = process.argv.slice(2);
const files = rest.slice(0, rest.indexOf("--"));
const tests = rest.slice(rest.indexOf("--") + 1);
const folders = copies.split(",");
const command = [
  "node_modules/.bin/vitest",
  "run",
  "--bail",
  "1",
  "--config",
  "tools/mutate/vitest.config.ts",
  ...tests,
];
const limit = 90_000;

function isChosen({ file, line, after }: Mutant): boolean {
  const digest = createHash("sha1").update(`${seed} ${file} ${line} ${after}`).digest();
  return digest.readUInt32BE() % Number(share) === 0;
}

const texts = await Promise.all(files.map((file) => readFile(join(folders[0]!, file), "utf8")));
const all: Mutant[] = files.flatMap((file, n) =>
  kind === "sql" ? sqlMutants(file, texts[n]!, texts.slice(n + 1)) : luaMutants(file, texts[n]!),
);
const chosen = all.filter(isChosen);
console.log(`${all.length} mutants, of which ${chosen.length} are tried`);

const counts = { killed: 0, survived: 0, "timed out": 0 };
const left = [...chosen];
await Promise.all(
  folders.map(async (folder) => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const verdict = await tried(mutant, folder, command, limit);
      counts[verdict] += 1;
      const tries = chosen.length - left.length;
      if (tries % 20 === 0) console.log(`${tries} of ${chosen.length}`);
      if (verdict !== "survived") continue;
      const { file, line, before, after } = mutant;
      console.log(`${file}:${line}\n  - ${before.trim()}\n  + ${after.trim()}`);
    }
  }),
);
console.log(JSON.stringify(counts));
