import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url);

async function text(path: string): Promise<string> {
  return await readFile(new URL(path, root), "utf8");
}

/** The folders of `packages`. */
async function folders(): Promise<string[]> {
  return (await readdir(new URL("packages", root))).map((name) => `packages/${name}`).toSorted();
}

async function sources(): Promise<string[]> {
  const found = (await folders()).map(async (folder) => {
    const names = await readdir(new URL(`${folder}/src`, root), { recursive: true });
    return names.filter((name) => name.endsWith(".ts")).map((name) => `${folder}/src/${name}`);
  });
  return await Promise.all((await Promise.all(found)).flat().map(text));
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports: Record<string, string | { readonly types?: string }>;
}

/** Declarations without their comments, which may be mended at any time. */
function surface(declarations: string): string {
  return declarations
    .replaceAll(/\/\*\*?[^]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "")
    .replaceAll(/^\s*\n/gm, "")
    .trim();
}

describe("every provider package", async () => {
  for (const folder of await folders()) {
    if (!folder.startsWith("packages/provider-")) continue;
    test(`${folder} runs the conformance suite`, async () => {
      const path = `${folder}/test/conformance.test.ts`;
      expect(existsSync(new URL(path, root)), `${path} is missing`).toBe(true);
      const source = await text(path);
      expect(source).toContain('from "@lock/testkit/vitest"');
      expect(source).toMatch(/await describeConformance\(\{/);
      expect(source, "a part of the suite is no proof").not.toMatch(/\bonly\b/);
    });
  }
});

describe("every mode of provider-postgres", () => {
  for (const mode of ["", "rows-", "pooled-"]) {
    test(`${mode || "session-"}conformance runs on PostgreSQL 15 too`, async () => {
      const source = await text(`packages/provider-postgres/test/postgres15-${mode}conformance.test.ts`);
      expect(source).toMatch(/await describeConformance\(\{/);
      expect(source).toContain("testVersion15(server.url)");
      expect(source, "a part of the suite is no proof").not.toMatch(/\bonly\b/);
    });
  }
});

describe("every error code", async () => {
  const declared = /export type LockErrorCode =([^;]*);/.exec(
    await text("packages/core/src/contract/errors.ts"),
  )?.[1];
  const codes = [...(declared ?? "").matchAll(/"(LOCK_[A-Z_]+)"/g)].flatMap(([, code]) => code ?? []);
  const written = await sources();

  test("is declared in one place, which this test can read", () => {
    expect(codes.length).toBeGreaterThanOrEqual(9);
  });

  for (const code of codes) {
    test(`${code} is thrown somewhere`, () => {
      const made = code === "LOCK_LOST" ? /new LockLostError\(/ : new RegExp(`new LockError\\(\\s*"${code}"`);
      expect(written.some((source) => made.test(source))).toBe(true);
    });

    test(`${code} has a heading in docs/errors.md`, async () => {
      expect(await text("docs/errors.md")).toMatch(new RegExp(`^#+ .*\\b${code}\\b`, "m"));
    });
  }
});

describe("the public surface, as it was built,", async () => {
  for (const folder of await folders()) {
    const manifest = JSON.parse(await text(`${folder}/package.json`)) as Manifest;
    if (manifest.private === true) continue;
    for (const [entry, target] of Object.entries(manifest.exports)) {
      if (typeof target === "string" || target.types === undefined) continue;
      const { types } = target;
      const name = `${manifest.name}${entry.slice(1)}`;
      test(`of ${name} is as its snapshot says`, async () => {
        const file = `${name.replace("@", "").replaceAll("/", "-")}.d.ts.snap`;
        const built = surface(await text(`${folder}/${types}`));
        await expect(`${built}\n`).toMatchFileSnapshot(`surface/${file}`);
      });
    }
  }
});
