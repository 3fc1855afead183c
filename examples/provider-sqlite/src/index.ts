import { defineProvider, type Provider, type ProviderSettings } from "@lock/core";
import { SqliteStore } from "./store.ts";

export interface SqliteProviderOptions extends ProviderSettings {
  /** The database file. All processes that name the same file exclude one another. It is made where it is missing. */
  readonly file: string;
  /** Locks of other namespaces in the same file are of no concern. Default: `"locks"`. */
  readonly namespace?: string;
}

/** Locks in a SQLite file, for the processes of one machine. */
export function sqliteProvider({ file, namespace = "locks", ...settings }: SqliteProviderOptions): Provider {
  return defineProvider({
    ...settings,
    identifier: "locking-sqlite",
    store: new SqliteStore(file, namespace),
  });
}
export default sqliteProvider;
