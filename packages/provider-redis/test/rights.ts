import { readFile } from "node:fs/promises";

/** The user that docs/providers/redis.md sets up. */
export const restricted = { username: "locks", password: "secret" } as const;

/** Of the commands that the page lists: for one server, what a cluster needs in addition, and what `replicas` does. */
const sections = ["server", "cluster", "replicas"] as const;

/** What the page says to set the user up with, for names that begin with `prefix` in place of `shop:`. */
export async function documentedRights(
  prefix: string,
  ...wanted: readonly (typeof sections)[number][]
): Promise<string[]> {
  const page = await readFile(new URL("../../../docs/providers/redis.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^```\nACL SETUSER locks ([^`]*)```$/gm)].map(([, rules = ""]) => rules);
  if (listed.length !== sections.length) throw new Error("The page lists the rights otherwise than it did");
  const rules = wanted.map((section) => listed[sections.indexOf(section)]).join(" ");
  return rules.trim().replaceAll("shop:", prefix).split(/\s+/);
}
