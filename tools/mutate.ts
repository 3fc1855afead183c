// Applies mutations to Lua and SQL one by one, each in a copy of the workspace, and says which of them no test finds out:
//
//   node tools/mutate.ts COPIES KIND SHARE SEED FILES -- TESTS [-- MORE TESTS]...
//
// COPIES: folders that each hold a built copy of the workspace, with commas between them; one mutant runs in each at a time. KIND: lua
// or sql (of which FILES are the migrations, in order). SHARE: of how many mutants one is tried. SEED: which of them. FILES, TESTS: relative to a copy. What the first tests
// leave standing is tried with the next, so begin with the fast ones.
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
const groups: string[][] = [[]];
for (const each of rest) {
  if (each === "--") groups.push([]);
  else groups.at(-1)?.push(each);
}
const [files = [], ...tests] = groups;
const folders = copies.split(",");
const vitest = [
  "node_modules/.bin/vitest",
  "run",
  "--bail",
  "1",
  "--config",
  "tools/mutate/vitest.config.ts",
];
const commands = tests.map((group) => [...vitest, ...group]);
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
      const verdict = await tried(mutant, folder, commands, limit);
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
