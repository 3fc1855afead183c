import { LockError } from "@lock/core";
import type pg from "pg";
import type { ConnectionSettings } from "./connection-settings.ts";

/** Where the tables and functions are, and what they are called. */
export interface Names {
  /** The schema that they are in. Default: found along the `search_path` of the connection. */
  readonly schema?: string | undefined;
  /** What all their names begin with: lower case letters, digits and `_`, at most 40. Default: `"locking"`. */
  readonly table?: string | undefined;
}

/** Writes a text's names anew: as the statements and migrations have it, everything of ours is called `locking` or `locking_…`. */
export type Rename = (text: string) => string;

export const defaultTable = "locking";

// Not the channels, which are called after us with a random number. Names of indexes and constraints take no schema where they are made.
const ours =
  /(?<unqualified>(?:CONSTRAINT|INDEX(?: IF NOT EXISTS)?) )?"?\blocking(?!_[0-9a-f]{24}\b)(?<rest>_[a-z_]+)?\b"?/g;

/** @throws {LockError} `LOCK_CONFIG` for a name that no schema or table may have. */
export function renaming({ schema, table = defaultTable }: Names): Rename {
  if (schema !== undefined && !isSchemaName(schema)) {
    throw new LockError("LOCK_CONFIG", "schema must be a name of 1 to 63 bytes, without quotes, $ and \\");
  }
  if (typeof table !== "string" || !/^[a-z_][a-z0-9_]{0,39}$/.test(table)) {
    throw new LockError("LOCK_CONFIG", "table must be a name of 1 to 40 lower case letters, digits and _");
  }
  const where = schema === undefined ? "" : `"${schema}".`;
  return (text) =>
    text.replaceAll(
      ours,
      (_, unqualified: string | undefined, rest: string | undefined) =>
        `${unqualified ?? where}"${table}${rest ?? ""}"`,
    );
}

/** It stands quoted in texts, some of which are quoted themselves. */
function isSchemaName(name: unknown): boolean {
  return typeof name === "string" && /^[^\p{C}'"$\\]+$/u.test(name) && Buffer.byteLength(name) <= 63;
}

interface QueryingClient {
  query(query: unknown, ...rest: unknown[]): unknown;
}

/** Settings for connections on which every statement has its names written anew. The functions' bodies have theirs since they were made. */
export function withNames(settings: ConnectionSettings, names: Names): ConnectionSettings {
  const rename = renaming(names);
  if (names.schema === undefined && (names.table ?? defaultTable) === defaultTable) return settings;
  const renamed = new Map<string, string>();
  const textOf = (text: string): string => {
    let found = renamed.get(text);
    if (found === undefined) {
      found = rename(text);
      // Statements are few; texts that are made for one connection are not kept for ever.
      if (renamed.size < 100) renamed.set(text, found);
    }
    return found;
  };
  class RenamingClient extends (settings.Client as unknown as new (config: object) => QueryingClient) {
    override query(query: unknown, ...rest: unknown[]): unknown {
      if (typeof query === "string") return super.query(textOf(query), ...rest);
      const { text } = query as { text: string };
      return super.query({ ...(query as object), text: textOf(text) }, ...rest);
    }
  }
  return { ...settings, Client: RenamingClient as unknown as typeof pg.Client };
}
