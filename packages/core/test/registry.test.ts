import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking, type CreateLockingOptions } from "../src/service/create-locking.ts";
import { outcomeOf } from "./outcome.ts";
import { PlainStore, plainProvider } from "./plain-store.ts";
import { RecordingLogger } from "./recording-logger.ts";

let logger: RecordingLogger;
const opened: Locking[] = [];
beforeEach(() => {
  logger = new RecordingLogger();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((locking) => locking.close()));
});

async function locking(providers: CreateLockingOptions["providers"]): Promise<Locking> {
  const service = await createLocking({ providers, logger });
  opened.push(service);
  return service;
}

/** What the registered providers are called, the default first. */
async function registered(service: Locking): Promise<string[]> {
  const outcome = await outcomeOf(service.release("k", { provider: "no such" }));
  const { message } = (outcome as { error: Error }).error;
  return [...message.matchAll(/"(lp_[^"]*)"/g)].map((match) => match[1]!);
}

function defaultOf(): string | undefined {
  return /"(.*)"/.exec(logger.at("info").findLast((line) => line.startsWith("The default")) ?? "")?.[1];
}

describe("the default provider", () => {
  test("is in memory where none is registered", async () => {
    const service = await locking(undefined);
    expect(defaultOf()).toBe("lp_in-memory");
    expect(await service.execute("k", (lock) => lock.fencingToken)).toBe(1n);
    await locking([]);
    expect(defaultOf()).toBe("lp_in-memory");
    expect(logger.at("warn")).toEqual([]);
  });

  test("is the only one", async () => {
    const service = await locking([plainProvider()]);
    expect(defaultOf()).toBe("lp_plain");
    expect(await registered(service)).toEqual(["lp_plain"]);
  });

  test("is in memory where several are registered and none is marked, with a warning", async () => {
    const service = await locking([plainProvider({ identifier: "a" }), plainProvider({ identifier: "b" })]);
    expect(defaultOf()).toBe("lp_in-memory");
    expect(await registered(service)).toEqual(["lp_a", "lp_b", "lp_in-memory"]);
    expect(logger.at("warn")).toEqual([expect.stringMatching(/"lp_a", "lp_b" with isDefault: true/)]);
  });

  test("in memory without a warning beside providers that reach no further", async () => {
    const stores = [new PlainStore(), new PlainStore()];
    for (const store of stores) store.capabilities = { ...store.capabilities, scope: "process" };
    await locking(stores.map((store, index) => plainProvider({ store, identifier: `p${index}` })));
    expect(defaultOf()).toBe("lp_in-memory");
    expect(logger.at("warn")).toEqual([]);
  });

  test("in memory is the registered one where there is one", async () => {
    const service = await locking([plainProvider({ identifier: "in-memory" }), plainProvider()]);
    expect(await registered(service)).toEqual(["lp_in-memory", "lp_plain"]);
    expect(defaultOf()).toBe("lp_in-memory");
  });

  test.each(["isDefault", "is_default"])("is the one marked with %s", async (mark) => {
    await locking([
      { resolve: plainProvider, id: "a" },
      { resolve: plainProvider, id: "b", [mark]: true },
    ]);
    expect(defaultOf()).toBe("lp_b");
    expect(logger.at("warn")).toEqual([]);
  });

  test("can't be two", async () => {
    const providers = [
      { resolve: plainProvider, id: "a", isDefault: true },
      { resolve: plainProvider, id: "b", is_default: true },
    ];
    await expect(locking(providers)).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringMatching(/"lp_a" and "lp_b"/) as unknown,
    });
  });
});

describe("a provider", () => {
  test("is registered as lp_{id}, the id defaulting to its identifier", async () => {
    const service = await locking([plainProvider(), { resolve: plainProvider, id: "second" }]);
    expect(await registered(service)).toEqual(["lp_plain", "lp_second", "lp_in-memory"]);
    await service.execute("k", () => {}, { provider: "lp_second" });
  });

  test("two of one kind need two ids", async () => {
    await expect(locking([plainProvider(), plainProvider()])).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringMatching(/Two providers are registered as "lp_plain".*another id/) as unknown,
    });
  });

  test("that is unknown is LOCK_CONFIG, which lists the registered, in every method", async () => {
    const service = await locking([plainProvider()]);
    const provider = "lp_redis";
    const calls = [
      service.execute("k", () => {}, { provider }),
      service.acquire("k", { provider }),
      service.release("k", { provider }),
      service.inspect("k", { provider }),
    ];
    for (const call of calls) {
      expect(await outcomeOf(call)).toMatchObject({
        error: {
          code: "LOCK_CONFIG",
          keys: ["k"],
          message: 'No provider is registered as "lp_redis"; registered: "lp_plain"',
        },
      });
    }
    await expect(service.releaseAll({ provider })).rejects.toMatchObject({ code: "LOCK_CONFIG" });
  });

  test("belongs to one service, and to one id", async () => {
    const provider = plainProvider();
    const twice = [
      { resolve: provider, id: "a" },
      { resolve: provider, id: "b" },
    ];
    await expect(locking(twice)).rejects.toMatchObject({ code: "LOCK_CONFIG" });
    await locking([provider]);
    await expect(locking([provider])).rejects.toMatchObject({ code: "LOCK_CONFIG" });
  });

  test("is still to be had after a registration that failed on another", async () => {
    const provider = plainProvider();
    await expect(locking([provider, { resolve: "./not-there.ts" }])).rejects.toMatchObject({
      code: "LOCK_CONFIG",
    });
    await locking([provider]);
    expect(defaultOf()).toBe("lp_plain");
  });

  test("each memoryProvider is a world of its own", async () => {
    const { memoryProvider } = await import("@lock/provider-memory");
    const service = await locking([
      { resolve: memoryProvider, id: "a", isDefault: true },
      { resolve: memoryProvider, id: "b" },
    ]);
    const a = await service.acquire("k", { provider: "lp_a" });
    const b = await service.acquire("k", { provider: "lp_b" });
    expect([a.fencingToken, b.fencingToken]).toEqual([1n, 1n]);
  });
});

describe("a wrong set-up is LOCK_CONFIG", () => {
  test.each([
    ["providers is no list", { providers: plainProvider() }],
    ["a factory that was not called", { providers: [plainProvider] }],
    ["nothing", { providers: [undefined] }],
    ["a name instead of an entry", { providers: ["@lock/provider-memory"] }],
    ["resolve is missing", { providers: [{ id: "a" }] }],
    ["resolve is a number", { providers: [{ resolve: 5 }] }],
    ["resolve gives something else", { providers: [{ resolve: () => ({}) }] }],
    ["an empty id", { providers: [{ resolve: plainProvider, id: "" }] }],
    ["a logger without warn", { logger: { info() {} } }],
  ])("%s", async (_what, options) => {
    await expect(createLocking(options as never)).rejects.toMatchObject({ code: "LOCK_CONFIG" });
  });

  test("a factory that throws, which stays the cause", async () => {
    const cause = new TypeError("no such option");
    const resolve = (): never => {
      throw cause;
    };
    await expect(locking([{ resolve }])).rejects.toMatchObject({
      code: "LOCK_CONFIG",
      message: expect.stringContaining("no such option") as unknown,
      cause,
    });
  });

  test("but a LockError of the factory's own stays as it is", async () => {
    const { memoryProvider } = await import("@lock/provider-memory");
    const entry = { resolve: memoryProvider, options: { waitLockingTimeout: "soon" } };
    await expect(locking([entry])).rejects.toMatchObject({ code: "LOCK_INVALID_ARGUMENT" });
  });
});
