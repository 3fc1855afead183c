import { knownHash } from "../key-hash.ts";

/** What a statement is given. Arrays hold no `null`. */
export type Parameter = string | number | boolean | null | undefined | readonly (string | number)[];

/** A call of one of the functions that the migrations made. */
export interface Call {
  /** The name under which a connection keeps it prepared. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly Parameter[];
}

/** A row of the answer: the server's text, whatever parsers the application has set for its own queries. */
export type Row = readonly (string | null)[];

/** The keys of one call, each once and sorted by hash: the order in which every call locks them, so that none wait in a circle. */
export class RequestKeys {
  readonly hashes: readonly string[];
  readonly keys: readonly string[];
  readonly #places: ReadonlyMap<string, number>;

  constructor(namespace: string, requests: readonly { readonly keys: readonly string[] }[]) {
    const all = new Set<string>();
    for (const request of requests) for (const key of request.keys) all.add(key);
    const sorted = Array.from(all, (key) => ({ key, hash: knownHash(namespace, key) }));
    if (sorted.length > 1)
      sorted.sort(({ hash: one }, { hash: other }) =>
        one.number < other.number ? -1 : one.number > other.number ? 1 : 0,
      );
    this.hashes = sorted.map((entry) => entry.hash.text);
    this.keys = sorted.map((entry) => entry.key);
    this.#places = new Map(this.keys.map((key, index) => [key, index + 1]));
  }

  /** Where a key stands in the call, counted from 1 as SQL does. */
  placeOf(key: string): number {
    return this.#places.get(key) as number;
  }

  placesOf(keys: readonly string[]): number[] {
    return keys.map((key) => this.placeOf(key));
  }
}

/** JSON has no infinity; PostgreSQL reads the word. */
export function milliseconds(value: number): number | "Infinity" {
  return value === Infinity ? "Infinity" : value;
}
