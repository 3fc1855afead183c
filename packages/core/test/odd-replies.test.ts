import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  Claim,
  Handover,
  RenewReply,
  ReleaseReply,
  StoreEvents,
  TakeReply,
} from "../src/contract/lock-store.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { outcomeOf } from "./outcome.ts";
import { PlainStore, plainProvider } from "./plain-store.ts";
import { RecordingLogger } from "./recording-logger.ts";

const unhandled: unknown[] = [];
const listener = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", listener).on("uncaughtException", listener);
});
afterEach(() => {
  process.off("unhandledRejection", listener).off("uncaughtException", listener);
  if (unhandled.length > 0) throw new Error("nobody caught it", { cause: unhandled[0] });
});

/** What no store that keeps to the types answers. */
function odd<Reply>(reply: unknown): Reply[] {
  return [reply as Reply];
}

describe.each([100, 1])("a store that answers wrongly, asked for %i at a time,", (batch) => {
  let store: PlainStore & { batch?: number };
  beforeEach(() => {
    store = Object.assign(new PlainStore(), { batch });
  });

  test.each<[string, unknown]>([
    ["an unknown status", { status: "ok" }],
    ["no status", {}],
    ["a grant without remaining", { status: "granted", grantId: "g", token: 1 }],
    ["a grant with NaN", { status: "granted", grantId: "g", token: 1, remaining: NaN }],
    ["a grant with a text", { status: "granted", grantId: "g", token: 1, remaining: "30000" }],
    ["a grant without an id", { status: "granted", token: 1, remaining: 30_000 }],
    ["a place without checkIn", { status: "queued", ticket: 1 }],
    ["a place without a ticket", { status: "queued", checkIn: 5 }],
    ["a refusal without freeIn", { status: "busy", ownerId: null }],
  ])("a claim, with %s, is LOCK_UNAVAILABLE and says so", async (_what, reply) => {
    for (const answer of [odd<TakeReply>, async (each: unknown) => odd<TakeReply>(each)]) {
      store.take = (() => answer(reply)) as PlainStore["take"];
      const locking = await createLocking({
        providers: [plainProvider({ store })],
        logger: new RecordingLogger(),
      });
      const run = { timeout: "100ms" } as const;
      const calls = [
        locking.execute("k", () => "ran", run),
        locking.acquire("k", { ...run, awaitQueue: true }),
      ];
      for (const outcome of calls.map(outcomeOf)) {
        expect(await outcome).toMatchObject({
          error: {
            code: "LOCK_UNAVAILABLE",
            message: expect.stringContaining("The store answered") as unknown,
          },
        });
      }
      await locking.close();
    }
  });

  test.each<[string, unknown]>([
    ["an unknown status", { status: "ok", remaining: 60_000 }],
    ["without remaining", { status: "renewed" }],
    ["with NaN", { status: "renewed", remaining: NaN }],
  ])(
    "a renewal, with %s, is LOCK_UNAVAILABLE, and the lock ends when it would have",
    async (_what, reply) => {
      store.renew = () => odd<RenewReply>(reply);
      const locking = await createLocking({
        providers: [plainProvider({ store })],
        logger: new RecordingLogger(),
      });
      const lock = await locking.acquire("k", { expire: 60 });
      expect(await outcomeOf(lock.extend(60))).toMatchObject({
        error: {
          code: "LOCK_UNAVAILABLE",
          message: expect.stringContaining("The store answered") as unknown,
        },
      });
      expect(lock.remaining()).toBeLessThanOrEqual(30_000);
      expect(lock.remaining()).toBeGreaterThan(20_000);
      await locking.close();
    },
  );

  test.each<[string, unknown]>([
    ["an unknown status", { status: "ok" }],
    ["without freed", { status: "released" }],
  ])("a release, with %s, leaves the job its result, and tells the handle", async (_what, reply) => {
    store.release = () => odd<ReleaseReply>(reply);
    const logger = new RecordingLogger();
    const locking = await createLocking({ providers: [plainProvider({ store })], logger });
    expect(await locking.execute("k", () => "ran")).toBe("ran");
    const lock = await locking.acquire("k");
    expect(await outcomeOf(lock.release())).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE", message: expect.stringContaining("The store answered") as unknown },
    });
    await locking.close();
  });

  test("a claim with nothing at all is LOCK_UNAVAILABLE", async () => {
    store.take = (() => undefined) as unknown as PlainStore["take"];
    const locking = await createLocking({
      providers: [plainProvider({ store })],
      logger: new RecordingLogger(),
    });
    expect(await outcomeOf(locking.execute("k", () => {}, { timeout: "50ms" }))).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE" },
    });
    await locking.close();
  });

  test("a look at keys with nothing at all is LOCK_UNAVAILABLE", async () => {
    store.capabilities = { ...store.capabilities, inspect: true };
    Object.assign(store, { inspect: () => undefined });
    const locking = await createLocking({
      providers: [plainProvider({ store })],
      logger: new RecordingLogger(),
    });
    expect(await outcomeOf(locking.inspect("k"))).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE", keys: ["k"] },
    });
    await locking.close();
  });

  test("a token that is no whole number is LOCK_UNAVAILABLE", async () => {
    store.capabilities = { ...store.capabilities, fencing: true };
    store.take = ([claim]) =>
      odd<TakeReply>({ status: "granted", grantId: claim!.id, token: 1.5, remaining: 30_000 });
    const locking = await createLocking({
      providers: [plainProvider({ store })],
      logger: new RecordingLogger(),
    });
    expect(await outcomeOf(locking.execute("k", () => "ran", { timeout: "50ms" }))).toMatchObject({
      error: { code: "LOCK_UNAVAILABLE" },
    });
    await locking.close();
  });

  test.each<[string, unknown]>([
    ["remaining is a text", { remaining: "8000", token: 2 }],
    ["token is a text", { remaining: 8_000, token: "x" }],
  ])("a hand-over whose %s is only a reason to ask", async (_what, odd) => {
    let claims: readonly Claim[] = [];
    let events!: StoreEvents;
    store.connect = ((context: { events: StoreEvents }) => void ({ events } = context)) as () => void;
    const grant = store.take.bind(store);
    store.take = (asked) => {
      if (claims.length > 0) return grant(asked);
      claims = asked;
      return [{ status: "queued", ticket: 1, checkIn: Infinity }];
    };
    const locking = await createLocking({
      providers: [plainProvider({ store })],
      logger: new RecordingLogger(),
    });
    const call = locking.execute("k", (lock) => lock.remaining(), { timeout: 1 });
    await new Promise(setImmediate);
    events.granted({ claimId: claims[0]!.id, ticket: 1, provisional: false, ...(odd as object) } as Handover);
    expect(await call).toBeGreaterThan(20_000);
    await locking.close();
  });
});
