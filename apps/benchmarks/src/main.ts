// Compares @lock with its peers, prints tables, and keeps the figures.
import { fileURLToPath } from "node:url";
import { readArguments, usage, type Wishes } from "./arguments.ts";
import { fetchMedusa } from "./contenders/medusa.ts";
import { machine, type Circumstances } from "./report/circumstances.ts";
import { print } from "./report/print.ts";
import { keep, publish } from "./report/publish.ts";
import { Sheet } from "./report/sheet.ts";
import { play } from "./scenarios/play.ts";

async function run({ backends, medusa, publish: toPublish, ...wishes }: Wishes): Promise<void> {
  if (medusa) await fetchMedusa();
  for (const backend of backends) {
    const sheet = new Sheet();
    const { server, load } = await play(backend, wishes, sheet);
    const circumstances: Circumstances = {
      date: new Date().toISOString(),
      node: process.versions.node,
      machine: machine(),
      rounds: wishes.plan.rounds,
      server,
      load,
    };
    console.log(print(sheet, backend));
    console.log(`\nkept in ${fileURLToPath(await keep(backend, sheet, circumstances))}\n`);
    if (toPublish) await publish(backend, sheet, circumstances);
  }
}

async function main(): Promise<void> {
  let wishes: Wishes;
  try {
    wishes = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  await run(wishes);
}

await main();
