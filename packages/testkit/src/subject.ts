import type { Awaitable, LockStore, Provider, ProviderEntry } from "@lock/core";
import { parse } from "node:path";
import { pathToFileURL } from "node:url";
import { adopted } from "./adopted.ts";
import { within } from "./world/bounded.ts";

/** Where a provider instance is to live. */
export interface SubjectWorld {
  /** Instances of one namespace share their locks (where the scope is shared); those of two never meet. */
  readonly namespace: string;
  /** The environment of the process: the place for the backend's address. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A transaction of the backend that the suite opens, for providers whose manifest says `transactions`. */
export interface SubjectTransaction {
  /** What is passed as `sharedContext.transactionManager`. */
  readonly transactionManager: unknown;
  readonly commit: () => Promise<void>;
  readonly rollback: () => Promise<void>;
}

/**
 * What is put to the proof. It is the default export of a module, so that child processes can load it by the module's
 * name.
 */
export interface Subject {
  /** What reports call the provider. */
  readonly name: string;
  /**
   * Makes one more instance, independent of all others, with connections of its own: a ready provider, or an entry
   * `{ resolve, options }` whose `resolve` is the provider class or factory itself.
   */
  create(world: SubjectWorld): Awaitable<Provider | ProviderEntry>;
  /**
   * Makes one more instance of the store behind the provider, where it is built on one: what core asks of a store is
   * then tested at the store itself, also what no service does unless replies are lost.
   */
  store?(world: SubjectWorld): Awaitable<LockStore>;
  /**
   * The environment variable that `create` reads the backend's URL from, such as `MY_URL`. The suite then puts a proxy
   * between the provider and its backend, and loses replies, cuts connections and lets the backend be away.
   */
  readonly urlVariable?: string;
  /** Counts the keys, rows or files that the backend keeps for a namespace: the suite then proves that nothing is left behind. */
  entries?(world: SubjectWorld): Awaitable<number>;
  /** Opens a transaction in the backend. Needed where the manifest says `transactions`. */
  transaction?(world: SubjectWorld): Promise<SubjectTransaction>;
}

/** Gives a subject its type. */
export function defineSubject(subject: Subject): Subject {
  return subject;
}

/** The address of a subject's module: a file URL, from a file URL or a path. */
export function subjectUrl(module: URL | string): string {
  if (typeof module !== "string") return module.href;
  return module.startsWith("file:") ? module : pathToFileURL(module).href;
}

/** Imports a subject, or what can be taken for one, by the name of its module. */
export async function loadSubject(module: URL | string): Promise<Subject> {
  const url = subjectUrl(module);
  // What a module awaits at its top level may never come.
  const loading = import(url) as Promise<{ readonly default?: unknown }>;
  const { default: exported } = await within(10_000, `${url} to be loaded`, loading);
  if (isSubject(exported)) return exported;
  const subject = adopted(exported, parse(new URL(url).pathname).name);
  if (subject !== undefined) return subject;
  throw new TypeError(
    `${url} needs a default export: a provider factory, a class (with acquire, execute, release and releaseAll, or a LockStore), or what defineSubject({ name, create }) made`,
  );
}

function isSubject(exported: unknown): exported is Subject {
  if (typeof exported !== "object" || exported === null) return false;
  const { name, create } = exported as Partial<Subject>;
  return typeof name === "string" && typeof create === "function";
}
