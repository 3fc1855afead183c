import { expect, test, vi } from "vitest";
import type { StoreEvents, TakeReply } from "@lock/core";
import type { Connection } from "../src/connection.ts";
import type { Row } from "../src/operations/request.ts";
import { PolledClaims } from "../src/polled-claims.ts";
import { claimOf } from "./instance.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

test("however many wait, one statement in 25 ms looks for them all, and none once nobody waits", async () => {
  const claims = Array.from({ length: 300 }, (_, n) => claimOf({ id: `c${n}` }));
  const query = vi.fn<() => Promise<Row[]>>(async () => claims.map(({ id }) => [id]));
  const woken: string[] = [];
  const events: StoreEvents = {
    granted() {},
    wake: (ids) => void woken.push(...ids),
    wakeAll() {},
    lost() {},
    lostAll() {},
  };
  const polled = new PolledClaims({ connection: { query } as unknown as Connection, events, logger: silent });
  const ask = vi.fn<(open: readonly unknown[]) => TakeReply[]>((open) =>
    open.map(() => ({ status: "queued", ticket: 1, checkIn: 3_000 })),
  );
  await polled.take(claims, ask);
  expect(ask).toHaveBeenCalledTimes(1);
  const [startedAt, asked] = [performance.now(), ask.mock.calls.length];
  // Each asks again and again meanwhile, as often as it may.
  while (performance.now() - startedAt < 400) {
    await Promise.all(claims.map((claim) => polled.take([claim], ask)));
  }
  const most = Math.ceil((performance.now() - startedAt) / 25) + 1;
  expect(query.mock.calls.length).toBeGreaterThan(2);
  expect(query.mock.calls.length).toBeLessThanOrEqual(most);
  expect(ask.mock.calls.length).toBe(asked);

  // One is out of the queue: it is told, and the others are not.
  query.mockImplementation(async () => claims.slice(1).map(({ id }) => [id]));
  await expect.poll(() => woken).toEqual(["c0"]);
  for (const { id } of claims) polled.forget(id);
  await pause(50);
  const before = query.mock.calls.length;
  await pause(150);
  expect(query.mock.calls.length).toBe(before);
});
