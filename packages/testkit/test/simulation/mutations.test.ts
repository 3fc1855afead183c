import type { Provider, ProviderDefinition } from "@lock/core";
import { play, randomSchedule } from "@lock/testkit/simulation";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mutations, type Mutation } from "./mutations.ts";

const core = new URL("../../../core/src/", import.meta.url);
// Within the package, so that its TypeScript is loaded like the tests' own.
const copies = new URL(`../../.cache/mutations-${process.pid}/`, import.meta.url);

type Define = (definition: ProviderDefinition) => Provider;

/** `defineProvider` of a copy of core with this defect. */
async function mutate({ file, text, becomes }: Mutation, index: number): Promise<Define> {
  const copy = new URL(`${index}/`, copies);
  await cp(core, copy, { recursive: true });
  const path = new URL(`engine/${file}`, copy);
  const source = await readFile(path, "utf8");
  expect(
    source.split(text),
    `${file} has changed: look for this text once, and mend mutations.ts`,
  ).toHaveLength(2);
  await writeFile(
    path,
    source.replace(text, () => becomes),
  );
  const loaded = (await import(/* @vite-ignore */ new URL("engine/define-provider.ts", copy).href)) as {
    readonly defineProvider: Define;
  };
  return loaded.defineProvider;
}

/** The first of 10,000 schedules, always the same ones, that breaks a promise. */
async function firstBroken(define: Define): Promise<string | undefined> {
  for (let seed = 1; seed <= 10_000; seed += 1) {
    const { violation } = await play(randomSchedule(seed), define);
    if (violation !== null) return `${violation.rule} (seed ${seed})`;
  }
  return undefined;
}

beforeAll(async () => {
  await mkdir(copies, { recursive: true });
});
afterAll(async () => {
  await rm(copies, { recursive: true, force: true });
});

describe("the simulation finds an engine that", () => {
  for (const [index, mutation] of mutations.entries()) {
    test(mutation.defect, { timeout: 180_000 }, async () => {
      expect(await firstBroken(await mutate(mutation, index))).toBeDefined();
    });
  }
});
