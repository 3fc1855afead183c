import { describe, expectTypeOf, test } from "vitest";
import { memoryProvider } from "@lock/provider-memory";
import type { LockingProvider, ProviderDependencies } from "../src/contract/locking-provider.ts";
import type { Lock } from "../src/contract/lock.ts";
import type { Logger } from "../src/contract/logger.ts";
import type { AcquireArgs, Locking } from "../src/contract/locking.ts";
import type { CreateLockingOptions, ProviderRegistration } from "../src/service/create-locking.ts";

/** As somebody writes a provider who has only read the README, and not the types. */
class Loose {
  static identifier = "loose";
  readonly say: (message: string) => void;

  constructor({ logger }: { logger: { warn(message: string): void } }, options: { url: string }) {
    this.say = (message) => logger.warn(`${options.url}: ${message}`);
  }

  async acquire(keys: string[], args: { ownerId?: string | null; expire?: number }): Promise<void> {
    this.say(`${keys.length} ${args.expire}`);
  }

  async execute<T>(_keys: string[], job: () => Promise<T>, _args?: { timeout?: number }): Promise<T> {
    return job();
  }

  async release(_keys: string[], _args?: { ownerId?: string | null }): Promise<boolean> {
    return true;
  }

  async releaseAll(_args?: { ownerId?: string | null }): Promise<void> {}
}

describe("types let through what works", () => {
  test("a factory, a class, a name or a ready provider to register", () => {
    expectTypeOf(memoryProvider()).toExtend<ProviderRegistration>();
    expectTypeOf({ resolve: memoryProvider }).toExtend<ProviderRegistration>();
    expectTypeOf({ resolve: memoryProvider() }).toExtend<ProviderRegistration>();
    expectTypeOf({
      resolve: memoryProvider,
      options: { waitLockingTimeout: 1 },
      is_default: true,
    }).toExtend<ProviderRegistration>();
    expectTypeOf({ resolve: Loose, options: { url: "" } }).toExtend<ProviderRegistration>();
    expectTypeOf({ resolve: "@acme/locks", id: "acme", isDefault: true }).toExtend<ProviderRegistration>();
  });

  test("undefined where something may be left out, also under exactOptionalPropertyTypes", () => {
    expectTypeOf<{ ownerId: string | undefined; timeout: undefined }>().toExtend<AcquireArgs>();
    expectTypeOf<{
      providers: undefined;
      resolveFrom: undefined;
      lazy: undefined;
    }>().toExtend<CreateLockingOptions>();
    expectTypeOf<{ resolve: string; id: string | undefined }>().toExtend<ProviderRegistration>();
  });

  test("a job that returns at once or later", () => {
    const both = (locking: Locking): [Promise<number>, Promise<number>] => [
      locking.execute("k", () => 1),
      locking.execute("k", async (lock: Lock) => lock.keys.length),
    ];
    expectTypeOf(both).returns.toEqualTypeOf<[Promise<number>, Promise<number>]>();
  });
});

describe("types hold back what does not", () => {
  test("a factory that was not called, a class without the methods, a misspelt duration", () => {
    expectTypeOf(memoryProvider).not.toExtend<ProviderRegistration>();
    expectTypeOf({ resolve: ProviderlessClass }).not.toExtend<ProviderRegistration>();
    expectTypeOf<{ timeout: "5 seconds" }>().not.toExtend<AcquireArgs>();
    expectTypeOf<{ timeout: "5s" }>().toExtend<AcquireArgs>();
  });

  test("keys that are changed while the provider looks at them", () => {
    expectTypeOf<Parameters<LockingProvider["acquire"]>[0]>().toEqualTypeOf<readonly string[]>();
  });
});

class ProviderlessClass {
  static identifier = "none";
  readonly logger: Logger;

  constructor({ logger }: ProviderDependencies) {
    this.logger = logger;
  }
}
