import { defineProvider, type Provider, type ProviderSettings } from "@lock/core";
import { SqliteStore } from "./store.ts";

export interface SqliteProviderOptions extends ProviderSettings {
  /** The database file. All processes that name the same file exclude one another. It is made where it is missing. */
  readonly file: string;
  /** Locks of other namespaces in the same file are of no concern. Default: `"locks"`. */
  readonly namespace?: string;
  /**
   * Whether a grant is on the disk before anyone is told of it. `false` is much faster on a slow disk; what a crash of a
   * process can't undo a power cut then can, so that tokens may go back. Default: `true`.
   */
  readonly durable?: boolean;
}

/** Locks in a SQLite file, for the processes of one machine. */
export function sqliteProvider(options: SqliteProviderOptions): Provider {
  const { file, namespace = "locks", durable = true, ...settings } = options;
  const store = new SqliteStore({ file, namespace, durable });
  return defineProvider({ ...settings, identifier: "locking-sqlite", store });
}
export default sqliteProvider;
