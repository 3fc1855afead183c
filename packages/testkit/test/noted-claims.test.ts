import { createLocking } from "@lock/core";
import { memoryProvider } from "@lock/provider-memory";
import { tracingChannel } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import type { HistoryEvent } from "../src/history/event.ts";
import { notedClaims } from "../src/processes/noted-claims.ts";
import { silent } from "../src/world/connect-subject.ts";

test("a grant that was over when its caller heard of it, since the process stood still, is not noted as one", async () => {
  await using locking = await createLocking({ providers: [memoryProvider()], logger: silent });
  const { capabilities } = memoryProvider();
  const history: HistoryEvent[] = [];
  const claims = notedClaims(locking, capabilities, "one", (report) => {
    if (report.report === "event") history.push(report.event);
  });
  let ran = 0;
  const job = async (): Promise<void> => void (ran += 1);
  const channel = tracingChannel("@lock/core:acquire");
  // It is granted, and nobody has heard of it yet.
  const standStill = (): void => {
    const until = performance.now() + 20;
    while (performance.now() < until);
  };
  channel.asyncStart.subscribe(standStill);
  try {
    await claims.acquire(1, ["k"], { expire: "10ms" }, job);
    expect(history.map(({ kind }) => kind)).toEqual(["asked", "refused"]);
    await claims.acquire(2, ["k"], { expire: "10s" }, job);
    expect(history.slice(2).map(({ kind }) => kind)).toEqual(["asked", "granted", "released"]);
    expect(ran).toBe(1);
  } finally {
    channel.asyncStart.unsubscribe(standStill);
  }
});
