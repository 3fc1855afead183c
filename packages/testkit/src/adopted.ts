import { defineProvider, type LockStore, type Provider, type ProviderEntry } from "@lock/core";
import type { Subject, SubjectWorld } from "./subject.ts";

/** A `LockStore` class that is put to the proof as it is. */
type StoreClass = new (options: object) => LockStore;
type Resolvable = Exclude<ProviderEntry["resolve"], string>;

/**
 * A subject of what a provider's module exports by default anyway: a factory, a provider class or a store class. Each
 * instance is made with `{ namespace }` beside the options that stand, as JSON, in `LOCK_TESTKIT_OPTIONS`. `undefined`:
 * it is none of these.
 */
export function adopted(exported: unknown, file: string): Subject | undefined {
  if (typeof exported !== "function") return undefined;
  const identifier: unknown = Reflect.get(exported, "identifier");
  const own = ["", "default"].includes(exported.name) ? file : exported.name;
  const called = typeof identifier === "string" ? identifier : own;
  if (hasMethods(exported.prototype, ["take", "renew", "release", "releaseAll"])) {
    const Store = exported as unknown as StoreClass;
    const store = (world: SubjectWorld): LockStore => new Store(options(world));
    return {
      name: called,
      store,
      create: (world) => defineProvider({ identifier: called, store: store(world) }),
    };
  }
  if (typeof identifier === "string" || hasMethods(exported.prototype, ["acquire", "execute"])) {
    const resolve = exported as Resolvable;
    return { name: called, create: (world) => ({ resolve, options: options(world) }) };
  }
  const factory = exported as (options: object) => Provider;
  return { name: called, create: (world) => factory(options(world)) };
}

function options({ namespace, env }: SubjectWorld): object {
  const written = env["LOCK_TESTKIT_OPTIONS"] ?? "{}";
  return { ...(JSON.parse(written) as object), namespace };
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === "function");
}
