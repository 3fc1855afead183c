import { setTimeout as pause } from "node:timers/promises";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Locking } from "../src/contract/locking.ts";
import type { ProviderGrant } from "../src/contract/locking-provider.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { ByHand } from "./by-hand.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

let provider: ByHand;
let locking: Locking;
beforeEach(async () => {
  const options = { onMade: (made: ByHand) => (provider = made) };
  const providers = [{ resolve: ByHand, options }];
  locking = await createLocking({ providers, logger: new RecordingLogger() });
});
afterEach(() => locking.close());

const lost = { error: { code: "LOCK_LOST", keys: ["k"] } };

describe("the handle that the service makes", () => {
  test("tells the keys and the owner, and is held until it is released", async () => {
    const lock = await locking.acquire(["k", "l"], { ownerId: "u" });
    expect(lock).toMatchObject({ keys: ["k", "l"], ownerId: "u" });
    expect(lock.remaining()).toBe(Infinity);
    lock.assertHeld();
    expect(await lock.release()).toBe(true);
    expect(provider.held.size).toBe(0);
    expect(lock.remaining()).toBe(0);
    expect(() => lock.assertHeld()).toThrowError(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(await outcomeOf(lock.extend(5))).toMatchObject({ error: { code: "LOCK_LOST" } });
    expect(lock.signal.aborted).toBe(false);
  });

  test("releases once, however often it is asked, and disposes of itself", async () => {
    const lock = await locking.acquire("k", { ownerId: "u" });
    await Promise.all([lock.release(), lock.release(), lock[Symbol.asyncDispose]()]);
    expect(provider.calls.filter(([name]) => name === "release")).toHaveLength(1);
  });

  test("may be asked to release again after a failure", async () => {
    const lock = await locking.acquire("k", { ownerId: "u" });
    const release = provider.release.bind(provider);
    provider.release = () => Promise.reject(new Error("cut"));
    expect(await outcomeOf(lock.release())).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    lock.assertHeld();
    provider.release = release;
    expect(await lock.release()).toBe(true);
  });

  test("aborts its signal when its own expire has run out, and then never frees a later holder's lock", async () => {
    const lock = await locking.acquire("k", { expire: "30ms" });
    expect(lock.remaining()).toBeLessThanOrEqual(30);
    const { signal } = lock;
    await once(signal, "abort");
    expect(signal.reason).toMatchObject(lost.error);
    expect(lock.remaining()).toBe(0);
    expect(await lock.release()).toBe(false);
    expect(provider.calls.map(([name]) => name)).toEqual(["acquire"]);
  });

  test("knows that its time has run out without anybody listening", async () => {
    const lock = await locking.acquire("k", { expire: "5ms" });
    await pause(10);
    expect(() => lock.assertHeld()).toThrowError(expect.objectContaining({ code: "LOCK_LOST" }));
    expect(lock.signal.aborted).toBe(true);
  });

  test("extends by acquiring again, without waiting, and has a new deadline", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: "50ms", awaitQueue: true });
    await lock.extend("1m");
    expect(provider.calls.at(-1)).toEqual([
      "acquire",
      ["k"],
      { ownerId: "u", awaitQueue: false, expire: 60, limit: 1 },
    ]);
    expect(lock.remaining()).toBeGreaterThan(50_000);
    await lock.extend(0);
    expect(lock.remaining()).toBe(Infinity);
  });

  test("can't be extended without an owner", async () => {
    const lock = await locking.acquire("k");
    expect(await outcomeOf(lock.extend(5))).toMatchObject({ error: { code: "LOCK_UNSUPPORTED" } });
  });

  test("is lost when somebody else holds it by the time it is extended", async () => {
    const lock = await locking.acquire("k", { ownerId: "u" });
    provider.held.set("k", "v");
    expect(await outcomeOf(lock.extend(5))).toMatchObject(lost);
    expect(lock.signal.aborted).toBe(true);
    expect(await lock.release()).toBe(false);
    expect(provider.held.get("k")).toBe("v");
  });

  test("is as it was when the backend could not be asked to extend it", async () => {
    const lock = await locking.acquire("k", { ownerId: "u" });
    provider.acquire = () => Promise.reject(new Error("cut"));
    expect(await outcomeOf(lock.extend(0))).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    lock.assertHeld();
    expect(lock.remaining()).toBe(Infinity);
  });

  test("ends no later than it was to be extended, since that may have been carried out", async () => {
    const lock = await locking.acquire("k", { ownerId: "u", expire: 60 });
    provider.acquire = () => Promise.reject(new Error("the answer was lost"));
    const { signal } = lock;
    expect(await outcomeOf(lock.extend("50ms"))).toMatchObject({ error: { code: "LOCK_UNAVAILABLE" } });
    expect(lock.remaining()).toBeLessThanOrEqual(50);
    await once(signal, "abort");
    expect(signal.reason).toMatchObject(lost.error);
  });
});

describe("where the manifest declares fencing", () => {
  class Fencing extends ByHand {
    static override readonly identifier: string = "fencing";
    readonly capabilities = { fencing: true };
    token = 0n;

    override async acquire(keys: readonly string[], args: object): Promise<ProviderGrant> {
      const had = keys.every((key) => this.held.has(key));
      await super.acquire(keys, args);
      if (!had) this.token += 1n;
      return { fencingToken: this.token };
    }

    override execute<T>(_keys: readonly string[], job: (grant?: ProviderGrant) => Promise<T>): Promise<T> {
      this.token += 1n;
      return job({ fencingToken: this.token });
    }
  }
  beforeEach(async () => {
    await locking.close();
    const options = { onMade: (made: ByHand) => (provider = made) };
    locking = await createLocking({
      providers: [{ resolve: Fencing, options }],
      logger: new RecordingLogger(),
    });
  });

  test("handles and jobs carry the token", async () => {
    expect((await locking.acquire("k", { ownerId: "u" })).fencingToken).toBe(1n);
    expect(await locking.execute("l", (lock) => lock.fencingToken)).toBe(2n);
  });

  test("extending a lock that was gone does not take it anew", async () => {
    const lock = await locking.acquire("k", { ownerId: "u" });
    provider.held.clear();
    expect(await outcomeOf(lock.extend(5))).toMatchObject(lost);
    expect(provider.held.size).toBe(0);
  });
});
