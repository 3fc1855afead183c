// Compares @lock with its peers, prints tables, and keeps the figures.
import { fileURLToPath } from "node:url";
import { readArguments, usage, type Wishes } from "./arguments.ts";
import { fetchMedusa } from "./contenders/medusa.ts";
import { load, machine, type Circumstances } from "./report/circumstances.ts";
import { print } from "./report/print.ts";
import { keep, publish } from "./report/publish.ts";
import { Sheet } from "./report/sheet.ts";
import { play } from "./scenarios/play.ts";

async function run(wishes: Wishes): Promise<void> {
  const { backends, plan } = wishes;
  if (wishes.medusa) await fetchMedusa();
  const sheet = new Sheet();
  const loads = [load()];
  const servers: string[] = [];
  for (const backend of backends) {
    const about = await play(backend, wishes, sheet);
    if (backend !== "memory") servers.push(about);
    loads.push(load());
  }
  const circumstances: Circumstances = {
    date: new Date().toISOString(),
    node: process.versions.node,
    machine: machine(),
    rounds: plan.rounds,
    load: loads,
    servers,
  };
  console.log(print(sheet, backends));
  console.log(`\nkept in ${fileURLToPath(await keep(sheet, circumstances))}`);
  if (wishes.publish) await publish(sheet, circumstances);
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
