import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { memoryProvider } from "@lock/provider-memory";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { outcomeOf } from "./outcome.ts";
import { RecordingLogger } from "./recording-logger.ts";

let locking: Locking;
beforeEach(async () => {
  locking = await createLocking({
    providers: [{ resolve: memoryProvider, id: "m" }],
    logger: new RecordingLogger(),
  });
});
afterEach(() => locking.close());

/** What is published about an operation while `work` runs. */
async function published(operation: string, work: () => Promise<unknown>): Promise<unknown[]> {
  const events: unknown[] = [];
  const note =
    (event: string) =>
    (message: object): void =>
      void events.push({ event, ...message });
  const subscribers = {
    start: note("start"),
    end: note("end"),
    asyncStart: note("asyncStart"),
    asyncEnd: note("asyncEnd"),
    error: note("error"),
  };
  const channel = tracingChannel(`@lock/core:${operation}`);
  channel.subscribe(subscribers);
  try {
    await work();
  } finally {
    channel.unsubscribe(subscribers);
  }
  return events;
}

describe("each call is published on its tracing channel", () => {
  test("execute, with the registered id and the keys, from the call to its result", async () => {
    const events = await published("execute", () => locking.execute(["a", "b"], () => "done"));
    const call = { provider: "lp_m", keys: ["a", "b"], ownerId: null };
    expect(events).toMatchObject([
      { event: "start", ...call },
      { event: "end", ...call },
      { event: "asyncStart", ...call, result: "done" },
      { event: "asyncEnd", ...call, result: "done" },
    ]);
  });

  test("acquire and release, with the owner", async () => {
    const call = { provider: "lp_m", keys: ["a"], ownerId: "u" };
    expect(await published("acquire", () => locking.acquire("a", { ownerId: "u" }))).toMatchObject([
      { event: "start", ...call },
      { event: "end" },
      { event: "asyncStart" },
      { event: "asyncEnd" },
    ]);
    expect(await published("release", () => locking.release("a", { ownerId: "u" }))).toMatchObject([
      { event: "start", ...call },
      { event: "end" },
      { event: "asyncStart", result: true },
      { event: "asyncEnd" },
    ]);
  });

  test("a failure, with the error that the caller gets", async () => {
    await locking.acquire("a");
    const events = await published("acquire", () => outcomeOf(locking.acquire("a")));
    expect(events).toContainEqual(
      expect.objectContaining({
        event: "error",
        error: expect.objectContaining({ code: "LOCK_NOT_ACQUIRED" }) as unknown,
      }),
    );
  });
});

test("a lock that is lost is published, once, also when only its release finds out", async () => {
  const messages: unknown[] = [];
  const note = (message: unknown): void => void messages.push(message);
  subscribe("@lock/core:lost", note);
  try {
    const outcome = await outcomeOf(locking.execute("a", () => locking.releaseAll()));
    expect(outcome).toMatchObject({ error: { code: "LOCK_LOST" } });
    expect(messages).toEqual([{ provider: "lp_m", keys: ["a"], ownerId: null, ...outcome }]);
  } finally {
    unsubscribe("@lock/core:lost", note);
  }
});
