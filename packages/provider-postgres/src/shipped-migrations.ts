import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

const folder = new URL("../migrations/", import.meta.url);

export interface Migration {
  /** Its number and a word or two, such as `0000_tables`. */
  readonly name: string;
  readonly text: string;
  /** Of its text, so that another edit of it is recognised. */
  readonly hash: string;
}

/** All that are in the package, in order. */
export async function shippedMigrations(): Promise<Migration[]> {
  const journal = JSON.parse(await readFile(new URL("meta/_journal.json", folder), "utf8")) as {
    entries: { tag: string }[];
  };
  return Promise.all(
    journal.entries.map(async ({ tag: name }) => {
      // The same whatever line ends a checkout has given it.
      const text = (await readFile(new URL(`${name}.sql`, folder), "utf8")).replaceAll("\r\n", "\n");
      return { name, text, hash: createHash("sha256").update(text).digest("hex") };
    }),
  );
}
